package driver

import (
	"errors"
	"net/netip"
	"testing"
)

// here are sessions that a test finds again by where they come from.
type here struct {
	client string
	user   string // empty: a stranger
}

// killed notes that its session had to go.
type killed struct{ done bool }

func (k *killed) Drain() {}
func (k *killed) Kill()  { k.done = true }

func TestStrangersGiveWayWhenAllPlacesAreTaken(t *testing.T) {
	const a, b, c, d = "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"
	tests := map[string]struct {
		here   []here
		client string
		want   error
		gone   int // index of who had to go; -1: nobody
	}{
		"there is room":                             {[]here{{a, ""}, {a, ""}}, b, nil, -1},
		"the older one of the only address":         {[]here{{a, ""}, {a, ""}, {a, ""}}, b, nil, 0},
		"the oldest when each address has one":      {[]here{{a, ""}, {b, ""}, {c, ""}}, d, nil, 0},
		"the address with the most":                 {[]here{{a, ""}, {b, ""}, {b, ""}}, c, nil, 1},
		"users never, however many they are":        {[]here{{a, "alice"}, {a, "alice"}, {b, ""}}, c, nil, 2},
		"users alone are here":                      {[]here{{a, "alice"}, {b, "bob"}, {c, "bob"}}, d, ErrTooManySessions, -1},
		"the address with the most gets none":       {[]here{{a, ""}, {b, ""}, {b, ""}}, b, ErrTooManySessions, -1},
		"an address with as many as any other":      {[]here{{a, "alice"}, {b, ""}, {c, ""}}, b, ErrTooManySessions, -1},
		"an address with users and fewer strangers": {[]here{{a, "alice"}, {b, ""}, {b, ""}}, a, nil, 1},
		"an address of which one has logged in":     {[]here{{a, "alice"}, {a, ""}, {b, ""}}, a, ErrTooManySessions, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := NewSessions(Limits{InAll: 3})
			enders := make([]killed, len(test.here))
			for i, h := range test.here {
				session, err := s.Enter(netip.MustParseAddr(h.client), &enders[i])
				if err != nil {
					t.Fatal(err)
				}
				login(t, session, h.user)
			}
			if _, err := s.Enter(netip.MustParseAddr(test.client), new(killed)); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			for i := range enders {
				if got := enders[i].done; got != (i == test.gone) {
					t.Errorf("session %d of %v: had to go: %v", i, test.here[i].client, got)
				}
			}
			if got := s.Len(); got > 3 {
				t.Errorf("sessions: got %d, want at most 3", got)
			}
		})
	}
}

// TestAFloodOfHalfOpenSessionsKeepsNobodyOut floods from a hundred addresses,
// between each two steps of a user who logs in.
func TestAFloodOfHalfOpenSessionsKeepsNobodyOut(t *testing.T) {
	s := NewSessions(Limits{InAll: 50, PerAddress: 20})
	next := 0
	flood := func() {
		for range 500 {
			next++
			_, _ = s.Enter(clientNumber(next%100), new(killed))
		}
	}
	for range 10 {
		flood()
		ender := new(killed)
		session, err := s.Enter(lanClient, ender)
		if err != nil {
			t.Fatalf("kept out: %v", err)
		}
		login(t, session, "alice")
		flood()
		if ender.done || session.User() != "alice" {
			t.Error("a user had to go")
		}
		session.Leave()
	}
}

func TestWhoHadToGoLeavesNothingBehind(t *testing.T) {
	s := NewSessions(Limits{InAll: 1})
	first, err := s.Enter(stranger, new(killed))
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Enter(lanClient, new(killed))
	if err != nil {
		t.Fatal(err)
	}
	login(t, first, "late") // it was about to log in when it had to go
	first.Leave()
	if got := s.Len(); got != 1 {
		t.Errorf("sessions: got %d, want the second", got)
	}
	second.Leave()
	checkEmpty(t, s)
}

// checkEmpty finds what sessions that have left still hold.
func checkEmpty(t *testing.T, s *Sessions) {
	t.Helper()
	if len(s.here) != 0 || len(s.from) != 0 || len(s.users) != 0 || s.strangers.Len() != 0 {
		t.Errorf("left over: %d sessions, %d addresses, %d users, %d strangers", len(s.here), len(s.from), len(s.users), s.strangers.Len())
	}
}
