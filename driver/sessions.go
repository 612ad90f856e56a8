package driver

import (
	"cmp"
	linked "container/list"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Why a session may not begin (reply 421, RFC 959, section 4.2).
var (
	ErrTooManySessions    = errors.New("too many sessions (max_sessions)")
	ErrTooManyFromAddress = errors.New("too many sessions from this address (max_sessions_per_ip)")
	ErrTooFast            = errors.New("too many new sessions from this address within a second (new_sessions_per_ip)")
	ErrDraining           = errors.New("server is shutting down")
)

// ErrTooManyOfUser refuses a login with the right password (reply 421).
var ErrTooManyOfUser = errors.New("too many sessions of this user (max_sessions_per_user)")

// killGrace is how long sessions that were killed get to leave.
const killGrace = 5 * time.Second

// Sessions are those who are connected now. All methods may be called from
// several goroutines.
//
// A stranger, who has not logged in, holds a place only as long as nobody else
// needs it: see Enter.
type Sessions struct {
	mu        sync.Mutex
	limits    Limits
	lastID    uint64
	here      map[uint64]*Session
	from      map[netip.Addr]count
	users     map[string]int
	strangers *linked.List // of *Session, the oldest in front
	arrivals  arrivals
	empty     chan struct{} // nil until Drain; closed when the last one has left

	sent, received int64         // bytes of the transfers that have ended
	stirred        chan struct{} // has room for one token
}

// count is how many sessions one origin has.
type count struct{ all, strangers int }

// Limits bound the sessions. Zero: no bound.
type Limits struct {
	// InAll, PerAddress and PerUser are how many there may be at a time.
	InAll, PerAddress, PerUser int
	// NewPerSecond is how many may begin in a second from one address, after a
	// pause also that many at once.
	NewPerSecond int
}

// NewSessions returns Sessions with nobody in them.
func NewSessions(limits Limits) *Sessions {
	return &Sessions{
		limits:    limits,
		here:      make(map[uint64]*Session),
		from:      make(map[netip.Addr]count),
		users:     make(map[string]int),
		strangers: linked.New(),
		arrivals:  newArrivals(),
		stirred:   make(chan struct{}, 1),
	}
}

// SetLimits sets new limits. They hold for those who come; nobody has to go.
func (s *Sessions) SetLimits(limits Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = limits
}

// Enter gives a client a place, or one of ErrDraining, ErrTooFast,
// ErrTooManyFromAddress and ErrTooManySessions. Who gets one gives it back with
// Leave. An address is an IPv4 address or an IPv6 /64.
//
// When all places are taken, a stranger has to go, for who comes may be a user:
// one of those who have been here longest, of the address with the most of them.
// So whoever opens connections without logging in, be it from many addresses,
// keeps nobody out. An address that is itself the one with the most strangers
// gets ErrTooManySessions.
func (s *Sessions) Enter(client netip.Addr, ender Ender) (*Session, error) {
	session, gone, err := s.enter(client, ender)
	if gone != nil {
		gone.ender.Kill()
	}
	return session, err
}

// enter returns also who has to go for it, if anybody.
func (s *Sessions) enter(client netip.Addr, ender Ender) (session, gone *Session, err error) {
	origin, now := origin(client), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.empty != nil:
		return nil, nil, ErrDraining
	case !s.arrivals.allow(origin, s.limits.NewPerSecond, now):
		return nil, nil, ErrTooFast
	case s.limits.PerAddress > 0 && s.from[origin].all >= s.limits.PerAddress:
		return nil, nil, ErrTooManyFromAddress
	}
	if s.limits.InAll > 0 && len(s.here) >= s.limits.InAll {
		if gone = s.dispensable(origin); gone == nil {
			return nil, nil, ErrTooManySessions
		}
		s.remove(gone)
	}
	s.lastID++
	session = &Session{ID: s.lastID, Client: client, Since: now, origin: origin, ender: ender, in: s}
	s.here[session.ID] = session
	s.tally(origin, 1, 0)
	s.enqueue(session)
	return session, gone, nil
}

// maxCandidates is how many strangers are looked at for one who has to go. Those
// who log in do so within moments, and are never among the oldest for long.
const maxCandidates = 64

// dispensable is the stranger who has to go for a client from an origin; nil:
// nobody has to.
func (s *Sessions) dispensable(origin netip.Addr) (found *Session) {
	most := s.from[origin].strangers
	e := s.strangers.Front()
	for i := 0; i < maxCandidates && e != nil; i, e = i+1, e.Next() {
		candidate := e.Value.(*Session)
		if n := s.from[candidate.origin].strangers; n > most {
			most, found = n, candidate
		}
	}
	return found
}

func (s *Sessions) setUser(session *Session, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := session.User()
	switch {
	case session.left || name == before:
		return nil
	case name != "" && s.limits.PerUser > 0 && s.users[name] >= s.limits.PerUser:
		return ErrTooManyOfUser
	}
	s.dequeue(session)
	s.forgetUser(before)
	session.user.Store(&name)
	if name == "" {
		s.enqueue(session)
	} else {
		s.users[name]++
	}
	return nil
}

func (s *Sessions) leave(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session.left {
		return
	}
	s.remove(session)
	if s.empty != nil && len(s.here) == 0 {
		close(s.empty)
	}
}

func (s *Sessions) remove(session *Session) {
	session.left = true
	s.settle(session)
	delete(s.here, session.ID)
	s.dequeue(session)
	s.forgetUser(session.User())
	s.tally(session.origin, -1, 0)
}

// enqueue counts a session among the strangers.
func (s *Sessions) enqueue(session *Session) {
	session.queue = s.strangers.PushBack(session)
	s.tally(session.origin, 0, 1)
}

// dequeue takes a session out of the strangers, if it is one.
func (s *Sessions) dequeue(session *Session) {
	if session.queue != nil {
		s.strangers.Remove(session.queue)
		session.queue = nil
		s.tally(session.origin, 0, -1)
	}
}

func (s *Sessions) tally(origin netip.Addr, all, strangers int) {
	n := s.from[origin]
	n.all, n.strangers = n.all+all, n.strangers+strangers
	s.from[origin] = n
	if n == (count{}) {
		delete(s.from, origin)
	}
}

func (s *Sessions) forgetUser(name string) {
	if name == "" {
		return
	}
	if s.users[name]--; s.users[name] == 0 {
		delete(s.users, name)
	}
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

// EndUsers drains the sessions of these users, and returns how many there are.
func (s *Sessions) EndUsers(names ...string) (ended int) {
	for _, session := range s.All() {
		if user := session.User(); user != "" && slices.Contains(names, user) {
			session.ender.Drain()
			ended++
		}
	}
	return ended
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
