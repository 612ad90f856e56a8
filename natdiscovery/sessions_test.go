package natdiscovery

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func friend(i byte) netip.Addr { return netip.AddrFrom4([4]byte{11, 44, 0, i}) }

// friendsHome is a home without a gateway to ask, whose router forwards by hand, or
// does not.
func friendsHome(t *testing.T) *story {
	s := newStory(t)
	s.router.off = true
	s.until(time.Minute)
	s.wants(wanA, ForwardedByHand, allPassive)
	return s
}

// visits is a data connection of a client from outside.
func (s *story) visits(client, told netip.Addr, arrived bool) {
	s.tell(DataConnection{Client: client, Told: netip.AddrPortFrom(told, 50001), Outside: true, Arrived: arrived})
}

func TestDataConnectionFromOutsideProvesThatWeAreReachable(t *testing.T) {
	s := friendsHome(t)
	s.visits(friend(1), wanA, true)
	s.wants(wanA, Reachable, allPassive)
	if got := s.status(); !got.Reached.Equal(s.now) || got.Advice != "" {
		t.Errorf("reached at %v, want %v; advice %q", got.Reached, s.now, got.Advice)
	}
	s.after(12 * time.Hour)
	s.wants(wanA, Reachable, allPassive)
	s.reflexive = wanB
	s.after(time.Minute)
	s.wants(wanB, ForwardedByHand, allPassive)
}

func TestProofGoesBeforeTheVerdictOnAddresses(t *testing.T) {
	s := newStory(t)
	s.router.external = netip.MustParseAddr("192.168.1.3")
	s.until(time.Minute)
	s.wants(wanA, DoubleNAT, allPassive)
	s.visits(friend(1), wanA, true)
	s.wants(wanA, Reachable, allPassive)
}

func TestWhatProvesNothing(t *testing.T) {
	for _, tt := range []struct {
		name         string
		client, told netip.Addr
	}{
		{"a client that was told another address", friend(1), wanB},
		{"a neighbour", netip.MustParseAddr("192.168.77.20"), wanA},
		{"a neighbour whom the router hides", wanA, wanA},
		{"a client by IPv6", netip.MustParseAddr("2600::1"), wanA},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := friendsHome(t)
			s.visits(tt.client, tt.told, true)
			s.wants(wanA, ForwardedByHand, allPassive)
		})
	}
}

func TestClientsThatDoNotComeAreAHint(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	for range 5 {
		s.visits(friend(1), wanA, false)
	}
	s.visits(friend(2), wanA, false)
	if got := s.status().Advice; got != "" {
		t.Errorf("after two clients: %q", got)
	}
	s.visits(friend(3), wanA, false)
	s.advises("data connections of 3 clients from outside did not arrive: see whether TCP 50000-50009 come through to this host")
	s.wants(wanA, Reachable, allPassive)
	s.visits(friend(1), wanA, true)
	if got := s.status().Advice; got != "" {
		t.Errorf("after one came: %q", got)
	}
}

func TestProofIsVoidWhenClientsStayAway(t *testing.T) {
	s := friendsHome(t)
	s.visits(friend(1), wanA, true)
	for i := range byte(3) {
		s.visits(friend(i), wanA, false)
	}
	s.wants(wanA, ForwardedByHand, allPassive)
	s.advises("data connections of 3 clients from outside did not arrive")
}

func TestReportsAreHeardAndNeverWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t, func(h *home, _ *Config) { h.router.off = true })
		h.after(time.Minute)
		r := DataConnection{Client: friend(1), Told: netip.AddrPortFrom(wanA, 50000), Outside: true, Arrived: true}
		h.Report(r)
		if got := h.after(time.Millisecond); got.Verdict != Reachable || got.Reached.IsZero() {
			t.Errorf("got %q, reached %v", got.Verdict, got.Reached)
		}
		h.stop()
		for i := range byte(200) { // nobody listens any more
			h.Report(DataConnection{Client: friend(i), Told: r.Told, Outside: true})
		}
	})
}

func TestManyArrivalsAreReportedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(testConfig())
		for range 1000 {
			d.Report(DataConnection{Client: friend(1), Outside: true, Arrived: true})
			time.Sleep(10 * time.Millisecond)
			d.Report(DataConnection{Client: lanA, Arrived: true})
		}
		if got := len(d.reports); got != 10 {
			t.Errorf("reports in 10 s: got %d, want 10", got)
		}
	})
}

func TestReportAllocatesNothing(t *testing.T) {
	d := New(testConfig())
	r := DataConnection{Client: friend(1), Outside: true}
	if n := testing.AllocsPerRun(100, func() { d.Report(r) }); n != 0 {
		t.Errorf("allocations: got %v, want 0", n)
	}
}
