package control

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"natftpd/driver"
	"natftpd/server/data"
)

const (
	// maxHeld is how many commands may wait for the end of a transfer. The
	// next ones stay in the socket, ABOR with them.
	maxHeld = 64
	// maxDropped is how much of one endless line is read before hanging up.
	maxDropped = 64 << 10
)

// session is one control connection: towards the client it owns the socket,
// towards the library it is the net.Conn whose Read yields the next command.
//
// The library calls Read from one goroutine, and all of the front runs in it:
// each command is taken, answered or handed on in its turn, and a transfer is
// made. The library has at most one command at a time, and replies through Write
// before it reads on. So the fields belong to Read's goroutine; while it is at a
// transfer, what belongs to commands is attend's. What others touch is guarded.
type session struct {
	front  view
	log    *slog.Logger
	entry  *driver.Session
	client netip.Addr // whom we talk to
	local  netip.Addr // the address of ours that it dialled
	opened time.Time
	// neighbour: the client is this host or of its own network. shared: others
	// have its address, too.
	neighbour, shared bool

	tcp      *net.TCPConn
	conn     net.Conn // tcp, or the TLS channel above it
	records  *records // between the two
	implicit bool     // TLS from the first byte
	buf      [1024]byte
	input    lines
	held     []string // commands that wait for the end of a transfer
	over     error    // why there is no more to read, as attend found out

	quiet     time.Time     // when the last command ended: a whole one, not a byte of one
	attention *time.Timer   // starts attend; nil before the first transfer
	attended  chan struct{} // has a value when attend has ended

	outMu sync.Mutex // keeps the order of what is written
	out   []byte     // said, not yet sent

	// The login.
	user     string // as USER said
	failures int
	account  *driver.Account
	home     *driver.Home
	ctx      ftpserver.ClientContext // the library's view: it owns the working directory
	failed   error                   // what the home refused of the current line
	facts    factSet
	digest   int // of HASH: an index of digests

	// The data connection to come.
	protected bool // PROT P
	pbsz      bool
	epsvAll   bool
	meeting   meeting
	ascii     bool  // TYPE A, as it is in the beginning (RFC 959, section 5.1)
	offset    int64 // of the next transfer, as REST said
	renaming  bool  // RNFR was granted, and is the last command
	// announced is the size of the upload to come, as ALLO said; -1: it did not.
	announced int64

	// The library.
	queue   []forward // lines to hand on
	asked   forward   // the last one handed on
	replies parser
	closing bool // QUIT or a time-out: hang up once the queue is empty

	mu      sync.Mutex
	current work
	woken   bool      // whoever reads is to look around before it waits
	alarm   time.Time // the deadline that the socket has; zero: none, or not ours
	drain   bool
	killed  bool
	aborted bool            // ABOR came for the current work
	cancel  func()          // ends it: the wait for, or the life of, a data connection
	stream  *data.Conn      // the current transfer's, once it is open
	missed  *missed         // why it could not be opened
	gone    context.Context // ends with the session
	leave   context.CancelFunc
}

// forward is a line for the library and what to make of its reply.
type forward struct {
	line string
	// done gets the reply and returns what the client is told.
	done func(reply) reply
}

// view is the front as one session sees it: with the configuration that was in
// force when the session began.
type view struct {
	*Front
	cfg *Config
}

func newSession(f *Front, conn *net.TCPConn) *session {
	cfg := f.cfg.Load()
	gone, leave := context.WithCancel(context.Background())
	client := addrPort(conn.RemoteAddr()).Addr().Unmap().WithZone("")
	return &session{
		front:     view{f, cfg},
		client:    client,
		local:     addrPort(conn.LocalAddr()).Addr().Unmap().WithZone(""),
		opened:    time.Now(),
		neighbour: cfg.Neighbour(client),
		shared:    cfg.Shared(client),
		tcp:       conn,
		conn:      conn,
		facts:     allFacts,
		ascii:     true,
		announced: -1,
		gone:      gone,
		leave:     leave,
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// Drain ends the session as soon as no transfer runs. For driver.Sessions.
func (s *session) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drain = true
	if s.current.brief && s.cancel != nil {
		s.cancel()
	}
	s.wake()
}

// Kill ends the session now. For driver.Sessions.
func (s *session) Kill() {
	s.mu.Lock()
	s.killed = true
	s.mu.Unlock()
	s.leave()
	s.abort()
	s.tcp.Close()
}

// Close ends the session when the library is done with it: it gives back what
// the session held.
func (s *session) Close() error {
	s.leave()
	s.arrange(meeting{})
	if s.home != nil {
		s.home.Close()
	}
	s.flush()
	if t, ok := s.conn.(*tls.Conn); ok {
		s.tcp.SetWriteDeadline(time.Now().Add(time.Second))
		t.CloseWrite()
	}
	err := s.tcp.Close()
	s.entry.Leave()
	s.log.Debug("session ended")
	s.front.sessions.Done()
	return err
}

// verbose tells whether commands and replies are logged.
func (s *session) verbose() bool { return s.log.Enabled(s.gone, slog.LevelDebug) }

// RemoteAddr is the client's.
func (s *session) RemoteAddr() net.Addr { return address{s.tcp.RemoteAddr(), s} }

// LocalAddr is ours.
func (s *session) LocalAddr() net.Addr { return s.tcp.LocalAddr() }

// The library's deadlines are not the session's: the front has its own.
func (s *session) SetDeadline(time.Time) error      { return nil }
func (s *session) SetReadDeadline(time.Time) error  { return nil }
func (s *session) SetWriteDeadline(time.Time) error { return nil }
