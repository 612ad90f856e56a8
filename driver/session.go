package driver

import (
	linked "container/list"
	"net/netip"
	"sync/atomic"
	"time"
)

// Ender ends a session. Both methods return at once and may be called from any
// goroutine, more than once.
type Ender interface {
	// Drain ends the session as soon as no transfer is running.
	Drain()
	// Kill ends it now.
	Kill()
}

// Session is somebody who is connected, logged in or not.
type Session struct {
	// ID is never used twice by the same Sessions.
	ID     uint64
	Client netip.Addr
	Since  time.Time

	origin netip.Addr
	ender  Ender
	in     *Sessions
	user   atomic.Pointer[string]
	// activity is set by the session and taken away by done.
	activity atomic.Pointer[Activity]

	// Guarded by in.
	left  bool
	queue *linked.Element // its place among the strangers; nil: logged in
}

// SetUser tells who it is, or that nobody is logged in any more when the name is
// empty. It returns ErrTooManyOfUser, and changes nothing, when the user has as
// many sessions as one may have. Any goroutine may call it.
func (s *Session) SetUser(name string) error { return s.in.setUser(s, name) }

// User is the name set last; empty before the login. Any goroutine may call it.
func (s *Session) User() string {
	if name := s.user.Load(); name != nil {
		return *name
	}
	return ""
}

// Leave frees the session's place. Only the first call counts.
func (s *Session) Leave() { s.in.leave(s) }
