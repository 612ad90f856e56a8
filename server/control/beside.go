package control

import "context"

// beside runs a command of the front's that takes its time beside Read, as the
// library does a transfer: other commands wait, ABOR and the end of the session
// end it, and job's reply is the last of it.
func (s *session) beside(shown string, job func(context.Context) reply) {
	ctx, cancel := context.WithCancel(s.gone)
	s.mu.Lock()
	s.current = forward{shown: shown, transfer: true, brief: true}
	s.idle = make(chan struct{})
	s.cancel = cancel
	s.mu.Unlock()
	go func() {
		defer cancel()
		s.say(job(ctx))
		s.flush()
		s.settle()
	}()
}
