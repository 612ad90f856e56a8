package driver

import "time"

// Activity is a transfer that a session is in the middle of, for whoever looks
// on. It does not change; what moves is counted by its Flow.
type Activity struct {
	// Command is what the client asked for, such as RETR, and Path what it is
	// about, as the client sees it.
	Command, Path string
	// Size is how many bytes the whole has; -1: not known. Offset is where the
	// transfer began (REST).
	Size, Offset int64
	// Port is the passive port that the data came to; 0: the client was dialled.
	// TLS says that the channel is protected.
	Port  uint16
	TLS   bool
	Since time.Time
	// Flow counts the bytes so far.
	Flow Flow
}

// Flow counts the bytes of one transfer. Any goroutine may call it.
type Flow interface {
	Sent() int64
	Received() int64
}

// Begin tells that the session begins a transfer.
func (s *Session) Begin(a Activity) {
	s.activity.Store(&a)
	select {
	case s.in.stirred <- struct{}{}:
	default:
	}
}

// Done tells that the transfer has ended. Without one it does nothing.
func (s *Session) Done() { s.in.done(s) }

// Activity is the transfer that goes on; nil: none does. Nobody may change it.
func (s *Session) Activity() *Activity { return s.activity.Load() }

// End ends the session now.
func (s *Session) End() { s.ender.Kill() }

// Stirred gets a token when a transfer begins, for one who looks on only while
// something moves.
func (s *Sessions) Stirred() <-chan struct{} { return s.stirred }

// Moved is how many bytes the sessions have sent and received since the start,
// those of transfers that go on included. It never goes back.
func (s *Sessions) Moved() (sent, received int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, received = s.sent, s.received
	for _, session := range s.here {
		if a := session.Activity(); a != nil {
			sent += a.Flow.Sent()
			received += a.Flow.Received()
		}
	}
	return sent, received
}

// Draining tells whether nobody is let in any more.
func (s *Sessions) Draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.empty != nil
}

func (s *Sessions) done(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(session)
}

// settle takes over the bytes of a transfer in the moment in which it is no more.
func (s *Sessions) settle(session *Session) {
	if a := session.activity.Swap(nil); a != nil {
		s.sent += a.Flow.Sent()
		s.received += a.Flow.Received()
	}
}
