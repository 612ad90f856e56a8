package control

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"time"
)

// Read hands the library its next line. It is where the front runs.
func (s *session) Read(p []byte) (int, error) {
	for len(s.queue) == 0 {
		if s.closing {
			s.flush()
			return 0, io.EOF
		}
		text, err := s.command()
		if err != nil {
			s.log.Debug("control connection ended", "reason", err)
			s.flush()
			return 0, io.EOF
		}
		s.dispatch(text)
		s.quiet = time.Now()
	}
	s.asked, s.failed = s.queue[0], nil
	s.queue = slices.Delete(s.queue, 0, 1)
	return copy(p, s.asked.line+"\r\n"), nil // at most maxLine and a verb: it fits the library's buffer
}

// hand queues a line for the library.
func (s *session) hand(f forward) { s.queue = append(s.queue, f) }

// command returns the next command, those first that came during a transfer.
func (s *session) command() (string, error) {
	for {
		switch _, drain := s.state(); {
		case drain:
			if s.account != nil && s.account.Revoked() {
				s.say(line(421, "Your account has been changed. Connect again."))
			} else {
				s.say(line(421, "The server is shutting down."))
			}
			return "", errors.New("draining")
		case len(s.held) > 0:
			text := s.held[0]
			s.held = s.held[1:]
			return text, nil
		case s.over != nil:
			return "", s.over
		}
		switch text, state := s.input.next(); state {
		case lineTooLong:
			s.say(line(500, "Line too long."))
		case lineOK:
			return text, nil
		default:
			if err := s.hear(false); err != nil {
				return "", err
			}
		}
	}
}

// state tells whether work is going on, and whether the session shall end.
func (s *session) state() (busy, drain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.shown != "", s.drain
}

// hear reads what the client sends next.
func (s *session) hear(busy bool) error {
	if s.input.dropped() > maxDropped {
		s.say(line(421, "Line too long."))
		s.flush()
		return errors.New("endless line")
	}
	return s.receive(busy)
}

// receive reads what the client sends, until it is time to look around: for
// wake's sake, or because the idle time is over.
func (s *session) receive(busy bool) error {
	s.flush()
	if s.armed(busy) {
		return nil
	}
	n, err := s.conn.Read(s.buf[:])
	s.input.add(s.buf[:n])
	switch {
	case err == nil || n > 0:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	s.mu.Lock()
	woken := s.woken
	s.woken, s.alarm = false, time.Time{}
	s.mu.Unlock()
	if deadline := s.deadline(busy); woken || deadline.IsZero() || time.Now().Before(deadline) {
		return nil
	}
	if s.account == nil {
		s.say(line(421, "No login within %s. Closing the control connection.", s.front.cfg.Patience.Login))
	} else {
		s.say(line(421, "No command for %s. Closing the control connection.", s.front.cfg.IdleTimeout))
	}
	return errors.New("idle")
}

// deadline is when the client will have been idle for too long; zero: never.
func (s *session) deadline(busy bool) time.Time {
	switch {
	case busy:
		return time.Time{}
	case s.account == nil:
		return s.opened.Add(s.front.cfg.Patience.Login)
	}
	return s.quiet.Add(s.front.cfg.IdleTimeout)
}

// armed sees to it that a Read ends in time. Each command moves the deadline;
// the alarm goes off at an earlier one at the latest, and is set anew only then.
// During a transfer it may go off in vain. When the transfer has ended or somebody
// woke the session meanwhile it is true, and there is no Read.
func (s *session) armed(busy bool) (woken bool) {
	deadline := s.deadline(busy)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.woken:
		s.woken, s.alarm = false, time.Time{}
		return true
	case busy && s.current.shown == "":
		return true
	case busy:
		if s.alarm.IsZero() { // it went off in vain, and would for ever
			s.tcp.SetReadDeadline(time.Time{})
		}
	case s.alarm.IsZero() || deadline.Before(s.alarm):
		s.alarm = deadline
		s.tcp.SetReadDeadline(deadline)
	}
	return false
}

// wake makes a Read that waits for the client look around. The caller holds mu.
func (s *session) wake() {
	s.woken = true
	s.tcp.SetReadDeadline(time.Unix(1, 0))
}

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
