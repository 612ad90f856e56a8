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
	if s.asked.done != nil {
		r = s.asked.done(r)
	}
	s.say(r)
}
