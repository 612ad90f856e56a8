package driver

import (
	"net/netip"
	"sync/atomic"
	"testing"
)

// flow is a Flow that a test moves by hand.
type flow struct{ sent, received atomic.Int64 }

func (f *flow) Sent() int64     { return f.sent.Load() }
func (f *flow) Received() int64 { return f.received.Load() }

func TestWhatMovesIsCountedWhileItMovesAndAfterwards(t *testing.T) {
	sessions := NewSessions(Limits{})
	enter := func() *Session {
		s, err := sessions.Enter(netip.MustParseAddr("192.0.2.1"), &killed{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first, second := enter(), enter()
	down, up := new(flow), new(flow)
	expect := func(when string, sent, received int64) {
		t.Helper()
		if s, r := sessions.Moved(); s != sent || r != received {
			t.Errorf("%s: %d sent and %d received, want %d and %d", when, s, r, sent, received)
		}
	}

	first.Begin(Activity{Command: "RETR", Path: "/film", Size: 100, Flow: down})
	second.Begin(Activity{Command: "STOR", Path: "/note", Size: -1, Flow: up})
	down.sent.Store(40)
	up.received.Store(7)
	expect("while both move", 40, 7)
	if a := first.Activity(); a == nil || a.Path != "/film" || a.Flow.Sent() != 40 {
		t.Errorf("the first session does %+v, want its download", a)
	}
	down.sent.Store(100)
	first.Done()
	expect("when one has ended", 100, 7)
	second.Leave()
	up.received.Store(9)
	expect("when the other has left in the middle", 100, 7)
	first.Done()
	second.Done()
	expect("when both are done, once more", 100, 7)
	if first.Activity() != nil || second.Activity() != nil {
		t.Error("somebody still does something")
	}
}

func TestATransferThatBeginsStirsWhoeverLooksOn(t *testing.T) {
	sessions := NewSessions(Limits{})
	s, err := sessions.Enter(netip.MustParseAddr("192.0.2.1"), &killed{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // nobody looks: it must not wait
		s.Begin(Activity{Flow: new(flow)})
		s.Done()
	}
	select {
	case <-sessions.Stirred():
	default:
		t.Error("no token, want one")
	}
}
