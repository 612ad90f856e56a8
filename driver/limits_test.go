package driver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHowFastSessionsMayBegin(t *testing.T) {
	const perSecond = 4
	tests := map[string]struct {
		perSecond int
		pauses    []time.Duration // before each try
		want      string          // + is let in, - is too fast
	}{
		"a second's worth at once":              {perSecond, make([]time.Duration, 6), "++++--"},
		"no bound":                              {0, make([]time.Duration, 6), "++++++"},
		"one more after its part of a second":   {perSecond, []time.Duration{0, 0, 0, 0, time.Second / 4, 0}, "+++++-"},
		"not a moment before":                   {perSecond, []time.Duration{0, 0, 0, 0, time.Second/4 - 1, 1}, "++++-+"},
		"evenly":                                {perSecond, []time.Duration{0, time.Second / 4, time.Second / 4, time.Second / 4, time.Second / 4}, "+++++"},
		"all again after a second":              {perSecond, []time.Duration{0, 0, 0, 0, time.Second, 0, 0, 0, 0}, "++++++++-"},
		"no more after an hour":                 {perSecond, []time.Duration{0, time.Hour, 0, 0, 0, 0}, "+++++-"},
		"one a second":                          {1, []time.Duration{0, 0, time.Second - 1, 1, 0}, "+--+-"},
		"asking too early makes nobody wait":    {1, []time.Duration{0, time.Second / 2, time.Second / 2}, "+-+"},
		"a thousand a second, and one too many": {1000, make([]time.Duration, 1001), strings.Repeat("+", 1000) + "-"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewSessions(Limits{NewPerSecond: test.perSecond})
				got := ""
				for _, pause := range test.pauses {
					time.Sleep(pause)
					switch _, err := s.Enter(stranger, new(killed)); err {
					case nil:
						got += "+"
					case ErrTooFast:
						got += "-"
					default:
						t.Fatal(err)
					}
				}
				if got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				if _, err := s.Enter(lanClient, new(killed)); err != nil {
					t.Errorf("another address: %v", err)
				}
			})
		})
	}
}

func TestSessionsOfOneUser(t *testing.T) {
	s := NewSessions(Limits{PerUser: 2})
	enter := func() *Session { return new(guest).enter(t, s, "192.0.2.1") }
	first, second, third := enter(), enter(), enter()
	login(t, first, "alice")
	login(t, first, "alice") // again: counts once
	login(t, second, "alice")
	if err := third.SetUser("alice"); err != ErrTooManyOfUser || third.User() != "" {
		t.Errorf("the third: got %v as user %q, want ErrTooManyOfUser as nobody", err, third.User())
	}
	login(t, third, "bob")
	login(t, third, "") // REIN
	if err := third.SetUser("alice"); err != ErrTooManyOfUser {
		t.Errorf("the third, after another user: got %v, want ErrTooManyOfUser", err)
	}
	login(t, first, "bob")
	login(t, third, "alice")
	second.Leave()
	login(t, enter(), "alice")
	for _, session := range s.All() {
		session.Leave()
	}
	checkEmpty(t, s)
}

func TestNewLimitsHoldForThoseWhoCome(t *testing.T) {
	s := NewSessions(Limits{})
	for range 3 {
		login(t, new(guest).enter(t, s, "192.0.2.1"), "alice")
	}
	late := new(guest).enter(t, s, "192.0.2.9")
	tests := []struct {
		limits Limits
		client netip.Addr
		want   error
	}{
		{Limits{InAll: 3}, lanClient, nil}, // the stranger's place
		{Limits{InAll: 3, PerAddress: 2}, stranger, ErrTooManyFromAddress},
		{Limits{NewPerSecond: 1}, stranger, nil},
		{Limits{NewPerSecond: 1}, stranger, ErrTooFast},
		{Limits{}, stranger, nil},
	}
	for _, test := range tests {
		s.SetLimits(test.limits)
		if _, err := s.Enter(test.client, new(killed)); !errors.Is(err, test.want) {
			t.Errorf("%+v: got %v, want %v", test.limits, err, test.want)
		}
	}
	late.Leave()
	s.SetLimits(Limits{PerUser: 3})
	if err := new(guest).enter(t, s, "192.0.2.1").SetUser("alice"); err != ErrTooManyOfUser {
		t.Errorf("a user with more sessions than the new limit: got %v, want ErrTooManyOfUser", err)
	}
}

// drained counts how often its session was asked to end.
type drained struct{ times int }

func (d *drained) Drain() { d.times++ }
func (d *drained) Kill()  {}

func TestTheSessionsOfSomeUsersEnd(t *testing.T) {
	s := NewSessions(Limits{})
	users := []string{"alice", "bob", "", "carol", "alice"}
	enders := make([]drained, len(users))
	for i, name := range users {
		session, err := s.Enter(stranger, &enders[i])
		if err != nil {
			t.Fatal(err)
		}
		login(t, session, name)
	}
	if got := s.EndUsers("alice", "carol", "nobody", ""); got != 3 {
		t.Errorf("ended: got %d, want 3", got)
	}
	for i, want := range []int{1, 0, 0, 1, 1} {
		if got := enders[i].times; got != want {
			t.Errorf("session %d of %q: asked %d times, want %d", i, users[i], got, want)
		}
	}
}

// TestWhateverHappensTheCountsAreRight does a thousand random things.
func TestWhateverHappensTheCountsAreRight(t *testing.T) {
	s := NewSessions(Limits{InAll: 10, PerAddress: 4, PerUser: 3})
	random := rand.New(rand.NewPCG(1, 2))
	var all []*Session
	for range 1000 {
		if session, err := s.Enter(clientNumber(random.IntN(8)), new(killed)); err == nil {
			all = append(all, session)
		}
		for range 2 {
			session := all[random.IntN(len(all))]
			if random.IntN(2) == 0 {
				session.Leave()
			} else {
				_ = session.SetUser([]string{"", "alice", "bob"}[random.IntN(3)])
			}
		}
		checkCounts(t, s)
	}
	for _, session := range all {
		session.Leave()
	}
	checkEmpty(t, s)
}

// checkCounts counts once more.
func checkCounts(t *testing.T, s *Sessions) {
	t.Helper()
	from, users := make(map[netip.Addr]count), make(map[string]int)
	for _, session := range s.All() {
		n := from[session.origin]
		n.all++
		if session.User() == "" {
			n.strangers++
		} else {
			users[session.User()]++
		}
		from[session.origin] = n
	}
	if got, want := fmt.Sprint(s.from, s.users), fmt.Sprint(from, users); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if len(s.here) > s.limits.InAll {
		t.Fatalf("%d sessions, at most %d may be", len(s.here), s.limits.InAll)
	}
}

// BenchmarkRefusal is what a flood from one address costs: nothing is allocated.
func BenchmarkRefusal(b *testing.B) {
	for name, limits := range map[string]Limits{
		"TooFast":            {NewPerSecond: 1},
		"TooManyFromAddress": {PerAddress: 1},
		"TooManySessions":    {InAll: 1},
	} {
		b.Run(name, func(b *testing.B) {
			s := NewSessions(limits)
			ender := new(killed)
			if _, err := s.Enter(stranger, ender); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Enter(stranger, ender); err == nil && name != "TooFast" {
					b.Fatal("let in")
				}
			}
		})
	}
}

func TestRefusingAllocatesNothing(t *testing.T) {
	s := NewSessions(Limits{NewPerSecond: 1})
	ender := new(killed)
	refuse := func() { _, _ = s.Enter(stranger, ender) }
	refuse()
	if got := testing.AllocsPerRun(100, refuse); got >= 1 {
		t.Errorf("allocations for a refusal: got %v, want none", got)
	}
}
