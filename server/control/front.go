// Package control is the front of the FTP service: it owns each control
// connection and its TLS, takes the commands off it, answers those that it can
// answer better, and hands the rest to ftpserverlib in canonical form, one at a
// time. What the library replies passes through here on its way out.
//
// The library is the dispatcher of commands that touch files, and of
// transfers. It never sees a socket: for its control connection it gets a
// [session], and for its passive listener a [channel], so that addresses, TLS,
// ports, time-outs, aborts and logins are decided here and in package data. It
// hears nothing before a login, and of data connections only EPSV.
//
// verbs.go is the table to start reading at. The package knows commands,
// replies and sessions; nothing of routers, and of files only what the
// driver's home offers.
package control

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"natftpd/driver"
	"natftpd/server/data"
)

// Config is what the front serves with.
type Config struct {
	Log *slog.Logger
	// Banner is the text of the 220 greeting.
	Banner string
	// Accounts decide who may log in, Sessions how many.
	Accounts *driver.Accounts
	Sessions *driver.Sessions
	// TLS is for control and data connections alike: a client resumes the
	// session of one on the other. nil: no TLS.
	TLS *tls.Config
	// TLSRequired refuses logins and data connections in clear.
	TLSRequired bool
	// ActiveMode allows PORT and EPRT.
	ActiveMode bool
	// IdleTimeout ends a session that neither commands nor transfers.
	IdleTimeout time.Duration
	// DataTimeout ends a data connection that nobody opens, or that stands
	// still.
	DataTimeout time.Duration
	// Ports are the passive ports.
	Ports *data.Ports
	// Advertise says what a client is told to connect to: from memory, at
	// once. local is the address at which the client reached us.
	Advertise func(client, local netip.Addr) Advice
	// Awaited is told of each passive data connection whether it came: evidence
	// of how the internet reaches us. It must return at once. nil: nobody is.
	Awaited func(Outcome)
	// MaxSegment is the size of the TCP segments of connections that we dial;
	// zero: the kernel's choice. nil: always zero.
	MaxSegment func() int
}

// Outcome is what became of a passive data connection.
type Outcome struct {
	Client netip.Addr
	// Told is where the client was sent.
	Told netip.AddrPort
	// Outside says that the client is not one of our own network.
	Outside bool
	// Arrived: it came in time.
	Arrived bool
}

// Advice is where the data connection of one client has to go.
type Advice struct {
	// Addr is what 227 carries. IPv4.
	Addr netip.Addr
	// Ports are the passive ports that this client may be told.
	Ports []uint16
	// Outside says that the client is not one of our own network.
	Outside bool
}

// Front takes control connections and serves them. It is the library's
// listener and its main driver.
type Front struct {
	cfg      Config
	verbs    map[string]*verb
	lib      *ftpserver.FtpServer
	arrivals chan *session
	ended    chan struct{}
	end      sync.Once

	channels sync.Map      // token -> *channel, from its making to the library's reply that names it
	tokens   atomic.Uint64 // the last token given
	serial   atomic.Uint64 // the last serial number for the library's eyes
	sessions sync.WaitGroup
}

// New returns a front that serves nothing yet.
func New(cfg Config) *Front {
	if cfg.Awaited == nil {
		cfg.Awaited = func(Outcome) {}
	}
	if cfg.MaxSegment == nil {
		cfg.MaxSegment = func() int { return 0 }
	}
	f := &Front{cfg: cfg, verbs: verbs(), arrivals: make(chan *session), ended: make(chan struct{})}
	f.lib = ftpserver.NewFtpServer(&library{f})
	f.lib.Logger = slog.New(quiet{cfg.Log.Handler()})
	return f
}

// Run lets the library serve what Serve brings, until Close.
func (f *Front) Run() error {
	return f.lib.ListenAndServe()
}

// Close ends Run and returns when every session has given back what it held.
// The caller has drained the sessions before: without the library none of them
// can transfer any more.
func (f *Front) Close() {
	f.end.Do(func() {
		f.sessions.Wait()
		_ = f.lib.Stop() // before Accept fails, or it forgets its stub port
		close(f.ended)
	})
}

// Serve takes control connections from l until it is closed.
func (f *Front) Serve(l *net.TCPListener) error {
	for {
		conn, err := l.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // out of descriptors, most likely: they come back
			f.cfg.Log.Warn("cannot accept control connections", "error", err)
			select {
			case <-time.After(acceptPause):
				continue
			case <-f.ended:
				return nil
			}
		}
		f.arrive(conn)
	}
}

// acceptPause lets other sessions free what accepting lacked.
const acceptPause = 100 * time.Millisecond

// arrive admits a connection, or says why not.
func (f *Front) arrive(conn *net.TCPConn) {
	data.Tune(conn, controlDead)
	inlineUrgent(conn)
	s := newSession(f, conn)
	entry, err := f.cfg.Sessions.Enter(s.client, s)
	if err != nil {
		f.cfg.Log.Warn("control connection refused", "client", s.client, "reason", err)
		refuse(conn, err)
		return
	}
	s.entry = entry
	s.log = f.cfg.Log.With("session", entry.ID, "client", s.client)
	s.log.Debug("control connection opened", "local", s.local)
	f.sessions.Add(1)
	select {
	case f.arrivals <- s:
	case <-f.ended:
		s.Close()
	}
}

// controlDead is how long sent replies may stay unacknowledged before the
// connection counts as dead, as it is after our external address changed.
const controlDead = 60 * time.Second

// refuse says so and hangs up. It does not wait for the client to read it.
func refuse(conn *net.TCPConn, err error) {
	text := "Too many sessions. Try again later."
	if errors.Is(err, driver.ErrTooManyFromAddress) {
		text = "Too many sessions from your address."
	}
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	conn.Write(line(421, "%s", text).bytes())
	conn.Close()
}

// Accept brings the library its sessions.
func (f *Front) Accept() (net.Conn, error) {
	select {
	case s := <-f.arrivals:
		return s, nil
	case <-f.ended:
		// The very error that the library takes for a closed listener.
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
}

// quiet keeps the library's own log for the debug level: what a refused command
// or a broken transfer means to the operator is said here.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.Handler.Enabled(ctx, slog.LevelDebug)
}

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler   { return quiet{q.Handler.WithGroup(name)} }
