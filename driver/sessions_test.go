package driver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// guest is a session that leaves some time after it was asked to.
type guest struct {
	afterDrain, afterKill time.Duration // zero: never
	once                  sync.Once
	leave                 func()
}

func (g *guest) Drain() { g.leaveAfter(g.afterDrain) }
func (g *guest) Kill()  { g.leaveAfter(g.afterKill) }

func (g *guest) leaveAfter(d time.Duration) {
	if d > 0 {
		time.AfterFunc(d, func() { g.once.Do(g.leave) })
	}
}

func (g *guest) enter(t *testing.T, s *Sessions, client string) *Session {
	t.Helper()
	session, err := s.Enter(netip.MustParseAddr(client), g)
	if err != nil {
		t.Fatal(err)
	}
	g.leave = session.Leave
	return session
}

func TestWhoMayEnter(t *testing.T) {
	tests := map[string]struct {
		max, perAddress int
		here            []string
		client          string
		want            error
	}{
		"the first":                             {2, 1, nil, "192.0.2.1", nil},
		"another address":                       {2, 1, []string{"192.0.2.1"}, "192.0.2.2", nil},
		"the same address":                      {9, 1, []string{"192.0.2.1"}, "192.0.2.1", ErrTooManyFromAddress},
		"one too many":                          {2, 1, []string{"192.0.2.1", "192.0.2.2"}, "192.0.2.3", ErrTooManySessions},
		"the same IPv4 address, mapped to IPv6": {9, 1, []string{"::ffff:192.0.2.1"}, "192.0.2.1", ErrTooManyFromAddress},
		"another mapped IPv4 address":           {9, 1, []string{"::ffff:192.0.2.1"}, "::ffff:192.0.2.2", nil},
		"the same IPv6 /64":                     {9, 1, []string{"2001:db8:0:1::1"}, "2001:db8:0:1:2:3:4:5", ErrTooManyFromAddress},
		"another IPv6 /64":                      {9, 1, []string{"2001:db8:0:1::1"}, "2001:db8:0:2::1", nil},
		"the same link, another zone":           {9, 1, []string{"fe80::1%eth0"}, "fe80::2%eth1", ErrTooManyFromAddress},
		"without bounds":                        {0, 0, []string{"192.0.2.1", "192.0.2.1"}, "192.0.2.1", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := NewSessions(Limits{InAll: test.max, PerAddress: test.perAddress})
			for _, client := range test.here {
				login(t, new(guest).enter(t, s, client), "alice")
			}
			_, err := s.Enter(netip.MustParseAddr(test.client), new(guest))
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func login(t *testing.T, session *Session, name string) {
	t.Helper()
	if err := session.SetUser(name); err != nil {
		t.Fatal(err)
	}
}

func TestLeavingMakesRoomOnce(t *testing.T) {
	s := NewSessions(Limits{InAll: 2, PerAddress: 2})
	first := new(guest).enter(t, s, "192.0.2.1")
	second := new(guest).enter(t, s, "::ffff:192.0.2.1")
	first.Leave()
	first.Leave()
	if got := s.Len(); got != 1 {
		t.Errorf("after one left: got %d, want 1", got)
	}
	third := new(guest).enter(t, s, "192.0.2.1")
	if _, err := s.Enter(netip.MustParseAddr("192.0.2.1"), new(guest)); err == nil {
		t.Error("leaving twice made room for two")
	}
	second.Leave()
	third.Leave()
	if len(s.from) != 0 || s.Len() != 0 {
		t.Errorf("after all left: %d sessions, %d addresses remembered", s.Len(), len(s.from))
	}
}

func TestAllSessionsInOrder(t *testing.T) {
	s := NewSessions(Limits{InAll: 0, PerAddress: 0})
	for i := range 20 {
		session := new(guest).enter(t, s, "192.0.2.1")
		if session.User() != "" {
			t.Errorf("before the login: got user %q", session.User())
		}
		login(t, session, fmt.Sprint("user", i))
	}
	for i, session := range s.All() {
		if want := fmt.Sprint("user", i); session.ID != uint64(i+1) || session.User() != want || session.Client.String() != "192.0.2.1" {
			t.Errorf("session %d: got ID %d, user %s, want %s", i, session.ID, session.User(), want)
		}
	}
}

func TestDrain(t *testing.T) {
	const patience = time.Minute
	never := time.Duration(0)
	tests := map[string]struct {
		guests []guest
		killed int
		took   time.Duration
	}{
		"nobody is there":             {nil, 0, 0},
		"all go when asked":           {[]guest{{afterDrain: time.Second}, {afterDrain: 2 * time.Second}}, 0, 2 * time.Second},
		"one is still busy":           {[]guest{{afterDrain: time.Second}, {afterDrain: never, afterKill: time.Second}}, 1, patience + time.Second},
		"one does not even die":       {[]guest{{afterDrain: never, afterKill: never}}, 1, patience + killGrace},
		"one finishes just in time":   {[]guest{{afterDrain: patience - 1}}, 0, patience - 1},
		"all are killed, and go fast": {[]guest{{afterKill: 1}, {afterKill: 1}, {afterKill: 1}}, 3, patience + 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewSessions(Limits{InAll: 0, PerAddress: 0})
				for i := range test.guests {
					test.guests[i].enter(t, s, "192.0.2.1")
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				if got := s.Drain(ctx); got != test.killed {
					t.Errorf("killed: got %d, want %d", got, test.killed)
				}
				if got := time.Since(began); got != test.took {
					t.Errorf("took %v, want %v", got, test.took)
				}
				if _, err := s.Enter(netip.MustParseAddr("192.0.2.1"), new(guest)); !errors.Is(err, ErrDraining) {
					t.Errorf("Enter afterwards: got %v, want ErrDraining", err)
				}
			})
		})
	}
}

func TestDrainTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSessions(Limits{InAll: 0, PerAddress: 0})
		(&guest{afterDrain: time.Second}).enter(t, s, "192.0.2.1")
		results := make(chan int)
		for range 2 {
			go func() { results <- s.Drain(t.Context()) }()
		}
		if a, b := <-results, <-results; a != 0 || b != 0 {
			t.Errorf("killed: got %d and %d, want none", a, b)
		}
	})
}

// TestASessionMayLeaveFromWithinDrain would deadlock if a lock were held while
// an Ender is called.
func TestASessionMayLeaveFromWithinDrain(t *testing.T) {
	s := NewSessions(Limits{InAll: 0, PerAddress: 0})
	e := new(leaver)
	session, err := s.Enter(netip.MustParseAddr("192.0.2.1"), e)
	if err != nil {
		t.Fatal(err)
	}
	e.session = session
	if got := s.Drain(t.Context()); got != 0 {
		t.Errorf("killed: got %d, want 0", got)
	}
}

type leaver struct{ session *Session }

func (l *leaver) Drain() { l.session.Leave() }
func (l *leaver) Kill()  {}

func TestSessionsUnderLoad(t *testing.T) {
	s := NewSessions(Limits{InAll: 50, PerAddress: 0})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				if session, err := s.Enter(netip.MustParseAddr("192.0.2.1"), new(guest)); err == nil {
					if err := session.SetUser("x"); err != nil {
						t.Error(err)
					}
					s.All()
					session.Leave()
				}
			}
		})
	}
	all.Wait()
	if got := s.Len(); got != 0 {
		t.Errorf("left over: got %d, want 0", got)
	}
}
