package control

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// work is a command that takes its time: a transfer, or a hash.
type work struct {
	shown string // as the client asked for it; empty: nothing is worked at
	brief bool   // a shutdown does not wait for it
}

// attendAfter is how long work goes on alone before somebody listens to the
// client again. Most files are sent in less, and then nobody has to.
const attendAfter = 20 * time.Millisecond

// perform does work in Read's goroutine and tells the client what came of it.
// Meanwhile attend hears what the client says: its ABOR above all.
func (s *session) perform(w work, job func() reply) {
	s.mu.Lock()
	s.current = w
	s.mu.Unlock()
	if s.attention == nil {
		s.attended = make(chan struct{}, 1)
		s.attention = time.AfterFunc(attendAfter, s.attend)
	} else {
		s.attention.Reset(attendAfter)
	}
	out := s.unshaken(job)
	alone := s.attention.Stop()
	s.mu.Lock()
	aborted := s.aborted
	s.current, s.stream, s.missed, s.cancel, s.aborted = work{}, nil, nil, nil, false
	if !alone {
		s.wake()
	}
	s.mu.Unlock()
	if !alone {
		<-s.attended
		s.mu.Lock()
		s.woken, s.alarm = false, time.Time{}
		s.mu.Unlock()
	}
	s.say(out)
	// The reply to an ABOR follows that to the transfer (RFC 959, section 5.4),
	// also when it came too late to end anything.
	if aborted {
		s.say(line(226, "Abort successful."))
	}
}

// unshaken has a mistake of ours cost one transfer, and not the service.
func (s *session) unshaken(job func() reply) (out reply) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		s.log.Error("mistake in natftpd, please report it", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		s.mu.Lock()
		if s.cancel != nil {
			s.cancel() // nobody else ends the data connection
		}
		s.mu.Unlock()
		s.entry.Done()
		out = line(451, "The server could not do that.")
	}()
	return job()
}

// attend listens to the client while work goes on in Read's goroutine, which
// touches none of what commands touch until attend has ended: commands wait for
// their turn, but for those that may overtake.
func (s *session) attend() {
	defer func() { s.attended <- struct{}{} }()
	for len(s.held) < maxHeld {
		busy, _ := s.state()
		if !busy {
			return
		}
		switch text, state := s.input.next(); {
		case state == lineTooLong:
			s.say(line(500, "Line too long."))
		case state == lineOK && overtakes(text):
			s.dispatch(text)
		case state == lineOK:
			s.held = append(s.held, text)
		default:
			if s.over = s.hear(true); s.over != nil {
				s.abort()
				return
			}
		}
	}
	s.flush()
}

// abort ends the work that is going on; of a transfer the data connection, also
// one that is still awaited. It reports whether there was any, whose end is then
// told.
func (s *session) abort() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.shown == "" {
		return false
	}
	s.aborted = true
	if s.cancel != nil {
		s.cancel()
	}
	return true
}

// abortable is a context that ends with the session, and when the work that is
// going on is aborted.
func (s *session) abortable() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.gone)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
	if s.aborted || s.killed {
		cancel()
	}
	return ctx, cancel
}
