package control

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"natftpd/driver"
	"natftpd/server/data"
)

const (
	// loginTimeout is how long a client may take to log in.
	loginTimeout = 60 * time.Second
	// replyTimeout is how long a client may leave a reply unread.
	replyTimeout = 30 * time.Second
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
	front  *Front
	log    *slog.Logger
	entry  *driver.Session
	client netip.Addr // whom we talk to
	local  netip.Addr // the address of ours that it dialled
	opened time.Time

	tcp   *net.TCPConn
	conn  net.Conn // tcp, or the TLS channel above it
	input lines
	held  []string // commands that wait for the end of a transfer

	// The login.
	user     string // as USER said
	failures int
	account  *driver.Account
	home     *driver.Home
	ctx      ftpserver.ClientContext // the library's view: it owns the working directory
	facts    factSet

	// The data connection to come.
	protected bool // PROT P
	pbsz      bool
	epsvAll   bool
	endpoint  data.Endpoint // nil: none arranged
	told      netip.AddrPort
	restart   bool // the library was given an offset by REST
	renaming  bool // RNFR was granted, and is the last command
	outside   bool // told was for a client from outside

	// The library.
	listing *listing  // what the current transfer lists; nil: none, or a file
	queue   []forward // lines to hand on
	replies parser
	closing bool // QUIT or a time-out: hang up once the queue is empty

	mu      sync.Mutex
	quiet   time.Time // when the last command or transfer ended: a whole one, not a byte of one
	current forward   // what the library works at; its line is empty when idle
	woken   bool      // a Read is to look around before it waits
	drain   bool
	killed  bool
	aborted bool            // ABOR came for the current transfer
	cancel  func()          // ends the wait for, or the life of, the data connection
	stream  *data.Conn      // the current transfer's, once it is open
	opening error           // why it could not be opened
	idle    chan struct{}   // closed when the current transfer has replied for the last time
	gone    context.Context // ends with the session
	leave   context.CancelFunc
}

// forward is a line for the library and what to make of its reply.
type forward struct {
	line     string
	shown    string // a transfer as the client asked for it
	transfer bool
	// done gets the reply and returns what the client is told; a zero reply:
	// nothing.
	done func(reply) reply
}

func newSession(f *Front, conn *net.TCPConn) *session {
	gone, leave := context.WithCancel(context.Background())
	return &session{
		front:  f,
		client: addrPort(conn.RemoteAddr()).Addr().Unmap().WithZone(""),
		local:  addrPort(conn.LocalAddr()).Addr().Unmap().WithZone(""),
		opened: time.Now(),
		tcp:    conn,
		conn:   conn,
		facts:  allFacts,
		gone:   gone,
		leave:  leave,
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// Read hands the library its next line. It is where the front runs.
func (s *session) Read(p []byte) (int, error) {
	for len(s.queue) == 0 {
		if s.closing {
			return 0, io.EOF
		}
		text, err := s.command()
		if err != nil {
			s.log.Debug("control connection ended", "reason", err)
			s.abort()
			s.wait() // the library closes the data connection next: nobody else may use it
			return 0, io.EOF
		}
		s.dispatch(text)
		s.mu.Lock()
		s.quiet = time.Now()
		s.mu.Unlock()
	}
	next := s.queue[0]
	s.queue = s.queue[1:]
	s.mu.Lock()
	s.current = next
	if next.transfer {
		s.idle = make(chan struct{})
	}
	s.mu.Unlock()
	return copy(p, next.line+"\r\n"), nil // at most maxLine and a verb: it fits the library's buffer
}

// hand queues a line for the library.
func (s *session) hand(f forward) { s.queue = append(s.queue, f) }

// command returns the next command whose turn it is. While a transfer runs,
// only those that may overtake it have theirs.
func (s *session) command() (string, error) {
	for {
		busy, drain := s.state()
		switch {
		case !busy && drain:
			s.say(line(421, "The server is shutting down."))
			return "", errors.New("draining")
		case !busy && len(s.held) > 0:
			text := s.held[0]
			s.held = s.held[1:]
			return text, nil
		case len(s.held) >= maxHeld:
			s.wait()
			continue
		}
		switch text, state := s.input.next(); state {
		case lineTooLong:
			s.say(line(500, "Line too long."))
			continue
		case lineOK:
			if busy && !overtakes(text) {
				s.held = append(s.held, text)
				continue
			}
			return text, nil
		}
		if s.input.dropped() > maxDropped {
			s.say(line(421, "Line too long."))
			return "", errors.New("endless line")
		}
		if err := s.receive(busy); err != nil {
			return "", err
		}
	}
}

// state tells whether a transfer runs, and whether the session shall end.
func (s *session) state() (busy, drain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.transfer, s.drain
}

// wait returns when the current transfer has ended.
func (s *session) wait() {
	s.mu.Lock()
	idle := s.idle
	busy := s.current.transfer
	s.mu.Unlock()
	if busy {
		<-idle
	}
}

// receive reads what the client sends, until the idle time-out or until wake.
func (s *session) receive(busy bool) error {
	s.mu.Lock()
	if s.woken {
		s.woken = false
		s.mu.Unlock()
		return nil
	}
	var deadline time.Time
	switch {
	case busy:
	case s.account == nil:
		deadline = s.opened.Add(loginTimeout)
	default:
		deadline = s.quiet.Add(s.front.cfg.IdleTimeout)
	}
	s.tcp.SetReadDeadline(deadline)
	s.mu.Unlock()

	var buf [1024]byte
	n, err := s.conn.Read(buf[:])
	s.input.add(buf[:n])
	if err == nil || n > 0 {
		return nil
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	s.mu.Lock()
	woken := s.woken
	s.woken = false
	s.mu.Unlock()
	if woken {
		return nil
	}
	if s.account == nil {
		s.say(line(421, "No login within %s. Closing the control connection.", loginTimeout))
	} else {
		s.say(line(421, "No command for %s. Closing the control connection.", s.front.cfg.IdleTimeout))
	}
	return errors.New("idle")
}

// wake makes a Read that waits for the client look around. The caller holds mu.
func (s *session) wake() {
	s.woken = true
	s.tcp.SetReadDeadline(time.Unix(1, 0))
}

// say sends a reply to the client, in one write.
func (s *session) say(r reply) {
	s.log.Debug("reply", "code", r.code, "text", r.text)
	s.tcp.SetWriteDeadline(time.Now().Add(replyTimeout))
	if _, err := s.conn.Write(r.bytes()); err != nil {
		s.tcp.Close() // Read notices
	}
}

// Write takes what the library replies.
func (s *session) Write(p []byte) (int, error) {
	s.replies.feed(p, s.libraryReplied)
	return len(p), nil
}

// libraryReplied passes on what the library replied to the current line.
func (s *session) libraryReplied(r reply) {
	s.mu.Lock()
	current := s.current
	s.mu.Unlock()
	if r.code >= 200 && current.done != nil {
		r = current.done(r)
	}
	if r.code != 0 {
		s.say(r)
	}
	if r.code >= 100 && r.code < 200 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = forward{}
	s.quiet = time.Now()
	if current.transfer {
		s.aborted, s.stream, s.opening, s.cancel = false, nil, nil, nil
		close(s.idle)
		s.wake()
	}
}

// Drain ends the session as soon as no transfer runs. For driver.Sessions.
func (s *session) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drain = true
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
	if s.endpoint != nil {
		s.endpoint.Close()
	}
	if s.home != nil {
		s.home.Close()
	}
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

// overtakes: what a client may ask while a transfer runs (RFC 959, section
// 4.1.3): its abort, and how far it is.
func overtakes(text string) bool {
	name, arg, _ := bytes.Cut([]byte(text), []byte{' '})
	switch string(bytes.ToUpper(name)) {
	case "ABOR":
		return true
	case "STAT":
		return len(bytes.TrimSpace(arg)) == 0
	}
	return false
}
