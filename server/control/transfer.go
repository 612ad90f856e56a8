package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"natftpd/server/data"
)

// task is a command that runs over a data connection.
type task struct {
	text    string   // as the client asked for it
	form    string   // the library's
	listing *listing // what is sent; nil: a file
	begun   reply    // in place of the library's 150; a zero reply: that
}

// transfer runs a task: it hands the library first EPSV, which gives it a
// channel, then the command in the library's form.
func (s *session) transfer(t task) {
	switch {
	case s.meeting.endpoint == nil:
		s.say(line(425, "Use PASV, EPSV, PORT or EPRT first."))
		return
	case s.front.cfg.TLSRequired && !s.protected: // RFC 4217, section 9
		s.log.Warn("transfer failed", "user", s.entry.User(), "command", t.text, "code", 521, "reason", "TLS is required for data connections (tls.mode)")
		s.say(line(521, "Data connections need TLS here. Use PBSZ 0 and PROT P first."))
		return
	}
	s.listing, s.extent = t.listing, unknownExtent
	if t.listing != nil && s.restart { // a listing begins at its beginning
		s.restart = false
		s.hand(forward{line: "REST 0", done: silent})
	}
	s.hand(forward{line: "EPSV", done: func(r reply) reply {
		c := s.front.claim(r)
		if c == nil {
			s.log.Error("no data channel", "code", r.code, "text", r.text)
			s.queue, s.listing = nil, nil
			return line(425, "The server cannot open a data connection.")
		}
		c.session = s
		return reply{}
	}})
	s.hand(forward{line: t.form, shown: t.text, transfer: true, begun: t.begun, done: func(r reply) reply { return s.finished(t, r) }})
}

// openData opens the data connection that the client arranged. The library
// calls it when the file or the listing is ready.
func (s *session) openData() (net.Conn, error) {
	s.mu.Lock()
	m, protected := s.meeting, s.protected
	s.meeting = meeting{}
	s.mu.Unlock()

	defer m.endpoint.Close()
	tcp, err := s.meet(m)
	s.report(m, err)
	if err != nil {
		return nil, err
	}
	cfg := s.front.cfg.TLS
	if !protected {
		cfg = nil
	}
	conn := data.NewConn(tcp, cfg, s.front.cfg.DataTimeout, data.Pace{Down: s.account.Download, Up: s.account.Upload})
	if s.listing == nil {
		conn.Confirm(s.present)
		conn.Announce(s.announced)
		conn.Expect(s.extent.size - s.extent.offset)
		s.announced = -1
	}
	s.mu.Lock()
	shown := s.current.shown
	s.stream = conn
	s.cancel = conn.Abort
	if s.aborted || s.killed {
		conn.Abort()
	}
	s.mu.Unlock()
	s.begun(shown, m, protected, conn)
	if s.listing != nil {
		return &listed{conn, s.listing}, nil
	}
	return conn, nil
}

// meet waits for the data connection, or makes it. Mostly the client has been
// there before its command was.
func (s *session) meet(m meeting) (*net.TCPConn, error) {
	if r, passive := m.endpoint.(*data.Reservation); passive {
		if tcp := r.Arrived(); tcp != nil {
			return tcp, nil
		}
	}
	ctx, cancel := context.WithTimeoutCause(s.gone, s.front.cfg.DataTimeout, fmt.Errorf("waited %s", s.front.cfg.DataTimeout))
	defer cancel()
	s.mu.Lock()
	s.cancel = cancel
	if s.aborted || s.killed {
		cancel()
	}
	s.mu.Unlock()
	begun := time.Now()
	tcp, err := m.endpoint.Open(ctx)
	if err != nil {
		s.mu.Lock()
		s.missed = &missed{meeting: m, waited: time.Since(begun), err: err}
		s.mu.Unlock()
	}
	return tcp, err
}

// errLeft: RFC 959, section 3.2, has the end of the control connection end the
// data connection. A client that was killed ends both at once, and half a file
// must not pass for a whole one.
var errLeft = errors.New("the control connection ended with it, the file may be incomplete")

// present is nil unless the client has left without a word.
func (s *session) present() error {
	if hungUp(s.tcp) {
		return errLeft
	}
	return nil
}

// report tells what became of a passive data connection, unless the client
// itself gave it up.
func (s *session) report(m meeting, err error) {
	s.mu.Lock()
	gaveUp := s.aborted || s.killed
	s.mu.Unlock()
	if _, passive := m.endpoint.(*data.Reservation); passive && (err == nil || !gaveUp) {
		s.front.cfg.Counters.Arrivals.add(Arrival{Class: m.class, Arrived: err == nil})
		s.front.cfg.Awaited(Outcome{Client: s.client, Told: m.told, Outside: m.outside, Arrived: err == nil})
	}
}

// abort ends the data connection of the current transfer, also one that is
// still awaited. It reports whether there was a transfer, whose end is then told.
func (s *session) abort() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.current.transfer {
		return false
	}
	s.aborted = true
	if s.cancel != nil {
		s.cancel()
	}
	return true
}

// finished makes the last reply to a transfer out of the library's. The library
// has one code for all that can break; RFC 959, section 5.4, tells the data
// connection (425, 426) from the file (451, 552).
func (s *session) finished(t task, r reply) reply {
	s.listing = nil
	s.mu.Lock()
	stream, missed, aborted := s.stream, s.missed, s.aborted
	s.mu.Unlock()
	var broken error
	var sent, received int64
	if stream != nil {
		broken, sent, received = stream.Err(), stream.Sent(), stream.Received()
	}
	out := r
	switch {
	case aborted && (missed != nil || broken != nil):
		out = line(426, "Data connection closed; transfer aborted.")
	case missed != nil:
		out = line(425, "No data connection: %s.", missed.public())
	case broken != nil:
		out = line(426, "Data connection broke: %s.", public(broken))
	case r.code == 226:
		out = line(226, "Transfer complete.")
	case stream != nil && r.code == 552:
		out = full(clean(r).text[0])
	case stream != nil && r.code == 550:
		out = clean(line(451, "%s", strings.Join(r.text, " ")))
	default:
		out = s.mend(r)
	}
	s.count(t, out.code, missed != nil, aborted)
	facts := []any{"user", s.entry.User(), "command", t.text, "folder", s.ctx.Path(), "sent", sent, "received", received}
	switch {
	case out.code >= 400:
		facts = append(facts, "code", out.code, "reason", out.text[0])
		if missed != nil && !aborted {
			facts = append(facts, missed.facts(s)...)
		}
		s.log.Warn("transfer failed", facts...)
	case t.listing != nil:
		s.log.Debug("transfer complete", facts...)
	default:
		s.log.Info("transfer complete", facts...)
	}
	return out
}

// public is what a client is told of an error of its connection: not our
// addresses and descriptors, which a net.OpError lists.
func public(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}
