package control

import "time"

// maxOutput is how much is gathered before it is sent, more commands or not.
const maxOutput = 4 << 10

// say tells the client something as soon as it is waited for. Replies to
// commands that came together so leave together, and each command costs no
// system call of its own; what must not wait is flushed.
func (s *session) say(r reply) {
	if s.verbose() {
		s.log.Debug("reply", "code", r.code, "text", r.text)
	}
	s.outMu.Lock()
	s.out = r.append(s.out)
	full := len(s.out) >= maxOutput
	s.outMu.Unlock()
	if full {
		s.flush()
	}
}

// sayAlone says a reply in a write of its own: NAT helpers look for a 227 at
// the beginning of a segment.
func (s *session) sayAlone(r reply) {
	s.flush()
	s.say(r)
	s.flush()
}

// flush sends what was said.
func (s *session) flush() {
	s.outMu.Lock()
	defer s.outMu.Unlock()
	if len(s.out) == 0 {
		return
	}
	s.tcp.SetWriteDeadline(time.Now().Add(s.front.cfg.Patience.Reply))
	if _, err := s.conn.Write(s.out); err != nil {
		s.tcp.Close() // Read notices
	}
	s.out = s.out[:0]
	if cap(s.out) > keptOutput {
		s.out = nil
	}
}

// keptOutput is how large a buffer an idle session keeps.
const keptOutput = 512

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
	switch {
	case r.code < 200:
		if current.begun.code != 0 {
			r = current.begun
		}
	case current.done != nil:
		r = current.done(r)
	}
	if r.code != 0 {
		s.say(r)
	}
	if current.transfer { // beside Read, which does not know of it
		s.flush()
	}
	if r.code < 100 || r.code >= 200 {
		s.settle()
	}
}

// settle ends the current line: the next may come. The reply to an ABOR follows
// that to the transfer (RFC 959, section 5.4), also when it came too late to end
// anything.
func (s *session) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.aborted {
		s.aborted = false
		s.mu.Unlock()
		s.say(line(226, "Abort successful."))
		s.flush()
		s.mu.Lock()
	}
	busy := s.current.transfer
	s.current = forward{}
	s.quiet = time.Now()
	if busy {
		s.stream, s.missed, s.cancel = nil, nil, nil
		close(s.idle)
		if s.holding || s.drain || s.alarm.IsZero() { // else Read has nothing to do but to wait for the client
			s.wake()
		}
	}
}
