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
// each command is taken, answered or handed on in its turn. Only a transfer
// runs beside it, in a goroutine of the library's; its replies come through
// Write from there. The library has at most one command at a time. So the fields
// belong to Read's goroutine, and what both touch is guarded.
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
	restart   bool // the library was given an offset by REST
	renaming  bool // RNFR was granted, and is the last command
	// announced is the size of the upload to come, as ALLO said; -1: it did not.
	announced int64

	// The library.
	extent  extent    // of the file of the current transfer
	listing *listing  // what the current transfer lists; nil: none, or a file
	queue   []forward // lines to hand on
	replies parser
	closing bool // QUIT or a time-out: hang up once the queue is empty

	mu      sync.Mutex
	quiet   time.Time // when the last command or transfer ended: a whole one, not a byte of one
	current forward   // what the library works at; its line is empty when idle
	woken   bool      // a Read is to look around before it waits
	alarm   time.Time // the deadline that the socket has; zero: none, or not ours
	holding bool      // a Read waits beside a transfer, and commands for its end
	drain   bool
	killed  bool
	aborted bool            // ABOR came for the current transfer
	cancel  func()          // ends the wait for, or the life of, the data connection
	stream  *data.Conn      // the current transfer's, once it is open
	missed  *missed         // why it could not be opened
	idle    chan struct{}   // closed when the current transfer has replied for the last time
	gone    context.Context // ends with the session
	leave   context.CancelFunc
}

// forward is a line for the library and what to make of its reply.
type forward struct {
	line     string
	shown    string // a transfer as the client asked for it
	transfer bool
	brief    bool // a transfer that a shutdown does not wait for
	// begun is told in place of the library's 150; a zero reply: nothing is.
	begun reply
	// done gets the reply and returns what the client is told; a zero reply:
	// nothing.
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

// RemoteAddr leads every hook of the library to the session; see [address].
func (s *session) RemoteAddr() net.Addr {
	return address{session: s, serial: s.front.serial.Add(1)}
}

// LocalAddr is ours.
func (s *session) LocalAddr() net.Addr { return s.tcp.LocalAddr() }

// The library's deadlines are not the session's: the front has its own.
func (s *session) SetDeadline(time.Time) error      { return nil }
func (s *session) SetReadDeadline(time.Time) error  { return nil }
func (s *session) SetWriteDeadline(time.Time) error { return nil }
