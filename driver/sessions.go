package driver

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Why a session may not begin (reply 421, RFC 959, section 4.2).
var (
	ErrTooManySessions    = errors.New("too many sessions")
	ErrTooManyFromAddress = errors.New("too many sessions from this address")
	ErrDraining           = errors.New("server is shutting down")
)

// killGrace is how long sessions that were killed get to leave.
const killGrace = 5 * time.Second

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

	ender Ender
	in    *Sessions
	left  atomic.Bool
	user  atomic.Pointer[string]
}

// SetUser tells who it is. Any goroutine may call it.
func (s *Session) SetUser(name string) { s.user.Store(&name) }

// User is the name set last; empty before the login.
func (s *Session) User() string {
	if name := s.user.Load(); name != nil {
		return *name
	}
	return ""
}

// Leave frees the session's place. Only the first call counts.
func (s *Session) Leave() {
	if !s.left.Swap(true) {
		s.in.leave(s)
	}
}

// Sessions are those who are connected now. All methods may be called from
// several goroutines.
type Sessions struct {
	limits Limits

	mu     sync.Mutex
	lastID uint64
	here   map[uint64]*Session
	from   map[netip.Addr]int
	empty  chan struct{} // nil until Drain; closed when the last one has left
}

// Limits bound the sessions. Zero: no bound.
type Limits struct {
	// InAll, PerAddress and PerUser are how many there may be at a time.
	InAll, PerAddress, PerUser int
	// NewPerSecond is how many may begin in a second from one address.
	NewPerSecond int
}

// NewSessions returns Sessions with nobody in them.
func NewSessions(limits Limits) *Sessions {
	return &Sessions{
		limits: limits,
		here:   make(map[uint64]*Session),
		from:   make(map[netip.Addr]int),
	}
}

// Enter gives a client a place, or one of ErrDraining, ErrTooManySessions and
// ErrTooManyFromAddress. Who gets one gives it back with Leave.
func (s *Sessions) Enter(client netip.Addr, ender Ender) (*Session, error) {
	origin := origin(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.empty != nil:
		return nil, ErrDraining
	case s.limits.InAll > 0 && len(s.here) >= s.limits.InAll:
		return nil, ErrTooManySessions
	case s.limits.PerAddress > 0 && s.from[origin] >= s.limits.PerAddress:
		return nil, ErrTooManyFromAddress
	}
	s.lastID++
	session := &Session{ID: s.lastID, Client: client, Since: time.Now(), ender: ender, in: s}
	s.here[session.ID] = session
	s.from[origin]++
	return session, nil
}

func (s *Sessions) leave(session *Session) {
	origin := origin(session.Client)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.here, session.ID)
	if s.from[origin]--; s.from[origin] == 0 {
		delete(s.from, origin)
	}
	if s.empty != nil && len(s.here) == 0 {
		close(s.empty)
	}
}

// origin is what counts as one address: an IPv4 address, or an IPv6 /64, since
// a single customer has all of that (RFC 6177).
func origin(client netip.Addr) netip.Addr {
	client = client.Unmap().WithZone("")
	if client.Is6() {
		if prefix, err := client.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return client
}

// All are the sessions of this moment, by ID.
func (s *Sessions) All() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.here), func(a, b *Session) int { return cmp.Compare(a.ID, b.ID) })
}

// Len is how many there are.
func (s *Sessions) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.here)
}

// Drain lets nobody in any more, asks everybody to go and waits until all have
// left. When ctx ends first, the rest is killed, and given a moment to leave.
// It returns how many were killed.
func (s *Sessions) Drain(ctx context.Context) (killed int) {
	empty := s.close()
	for _, session := range s.All() {
		session.ender.Drain()
	}
	select {
	case <-empty:
		return 0
	case <-ctx.Done():
	}
	rest := s.All()
	for _, session := range rest {
		session.ender.Kill()
	}
	select {
	case <-empty:
	case <-time.After(killGrace):
	}
	return len(rest)
}

// close shuts the door and returns the channel that is closed when all have
// left.
func (s *Sessions) close() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty == nil {
		s.empty = make(chan struct{})
		if len(s.here) == 0 {
			close(s.empty)
		}
	}
	return s.empty
}
