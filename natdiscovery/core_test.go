package natdiscovery

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/route"
)

func TestRouterThatAnswersAtOnce(t *testing.T) {
	s := newStory(t)
	if got := s.status().Verdict; got != VerdictLooking {
		t.Errorf("verdict at the start: got %q, want %q", got, VerdictLooking)
	}
	got := s.until(2 * time.Second)
	if !got.External.IsValid() || len(got.Outside) == 0 || got.Control.State != PortVerified {
		t.Errorf("nothing usable after 2 s: %+v", got)
	}
	s.until(5 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
	for i, want := range []uint16{0, 2121, 50000, 50001} {
		if q := s.router.asked[i]; q.port != want {
			t.Errorf("request %d: got %s %d, want port %d", i, q.what, q.port, want)
		}
	}
}

func TestMappingOffAsksTheRouterNothing(t *testing.T) {
	s := newStory(t, func(c *Config) { c.Methods = nil })
	s.until(time.Minute)
	s.wants(wanA, ForwardedByHand, allPassive)
	if s.searches != 0 || len(s.router.asked) != 0 {
		t.Errorf("searches %d, requests %d: want none", s.searches, len(s.router.asked))
	}
}

func TestNoNetworkAtAll(t *testing.T) {
	s := newStory(t)
	s.router.off, s.reflexive = true, nobody
	s.until(time.Minute)
	s.wants(nobody, NoGateway, allPassive)
}

func TestDoubleNAT(t *testing.T) {
	t.Run("the router tells a private address", func(t *testing.T) {
		s := newStory(t)
		s.router.external = netip.MustParseAddr("10.0.0.2")
		s.until(10 * time.Second)
		s.wants(wanA, DoubleNAT, allPassive)
	})
	t.Run("the router tells none and STUN sees one", func(t *testing.T) {
		s := newStory(t)
		s.router.external = nobody
		s.router.deny = denies("map", gateway.ErrNoWAN, 0, 65535)
		s.until(10 * time.Second)
		s.wants(wanA, DoubleNAT, allPassive)
	})
	t.Run("the router tells an address of a carrier", func(t *testing.T) {
		s := newStory(t)
		s.router.external = netip.MustParseAddr("100.64.0.2")
		s.until(10 * time.Second)
		s.wants(wanA, CarrierNAT, allPassive)
	})
}

func TestOwnAddressChanges(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.place.Local = lanB
	s.tell(networkChanged{})
	s.until(time.Minute + 10*time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanB); got != "2121, 50000-50009" {
		t.Errorf("for the new address the router lists %q", got)
	}
	if got := s.router.lists(lanA); got != "" {
		t.Errorf("for the old address the router lists %q", got)
	}
}

func TestNewsWhileTheNetworkIsReadIsReadAgain(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Second)
	s.tell(networkChanged{}) // begins to read, and takes 50 ms
	s.until(10*time.Second + 10*time.Millisecond)
	s.place.Local = lanB
	s.tell(networkChanged{})
	if got := s.until(11 * time.Second).Network.Local; got != lanB {
		t.Errorf("local: got %v, want %v", got, lanB)
	}
}

func TestContainerBridgeDisturbsNothing(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	asked, searches := len(s.router.asked), s.searches
	bridge := netip.MustParsePrefix("172.17.0.0/16")
	s.place.LANs = append(s.place.LANs, bridge)
	s.tell(networkChanged{})
	got := s.until(time.Minute + time.Second)
	if s.searches != searches || len(s.router.asked) > asked+1 {
		t.Errorf("searches %d, requests %d: want none", s.searches-searches, len(s.router.asked)-asked)
	}
	if len(got.Network.LANs) != 2 {
		t.Errorf("LANs: got %v, want the bridge among them", got.Network.LANs)
	}
}

// moves takes the host to another network, which the kernel tells.
func (s *story) moves() (home *router) {
	home = s.router
	s.router = newRouter(home.clock)
	s.router.device = gateway.Device{Address: netip.MustParseAddr("10.1.1.1"), ID: "uuid:2"}
	s.router.external, s.reflexive = wanC, wanC
	s.place.Router, s.place.Local = s.router.device.Address, netip.MustParseAddr("10.1.1.7")
	s.tell(networkChanged{})
	return home
}

func TestOtherNetworkHasOtherMappings(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.moves()
	s.until(70 * time.Second)
	s.wants(wanC, Reachable, allPassive)
	if got := s.router.count("unmap", s.start); got != 0 {
		t.Errorf("the new router was asked to remove %d mappings of the old one", got)
	}
}

func TestRouterOfTheOldNetworkIsNotTaken(t *testing.T) {
	s := newStory(t)
	s.until(200 * time.Millisecond) // the search is under way
	home := s.moves()
	s.until(10 * time.Second)
	s.wants(wanC, Reachable, allPassive)
	if len(home.asked) != 0 {
		t.Errorf("the old router was asked %v", home.asked)
	}
}

func TestOtherNetworkVoidsWhatSTUNSaid(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.moves()
	s.reflexive, s.router.off = nobody, true
	s.until(2 * time.Minute)
	if got := s.core.evidence(); got.reflexive.IsValid() {
		t.Errorf("evidence: got %+v, want none", got)
	}
	s.wants(wanA, NoGateway, allPassive)
}

func TestOtherNetworkIsAskedAboutAtOnce(t *testing.T) {
	t.Run("STUN", func(t *testing.T) {
		s := newStory(t, func(c *Config) { c.Methods = nil })
		s.until(10 * time.Minute)
		s.moves()
		s.until(10*time.Minute + time.Second)
		s.wants(wanC, ForwardedByHand, allPassive)
	})
	t.Run("STUN, after a round in vain", func(t *testing.T) {
		s := newStory(t, func(c *Config) { c.Methods = nil })
		s.until(10 * time.Minute)
		round := s.stunAsked[len(s.stunAsked)-1] + stunAlone
		s.reflexive = nobody
		s.until(round + time.Second)
		s.moves()
		s.until(round + 3500*time.Millisecond)
		s.wants(wanC, ForwardedByHand, allPassive)
	})
	t.Run("the host name", func(t *testing.T) {
		s := newStory(t, func(c *Config) { c.ExternalHost = "home.example" })
		s.names = []netip.Addr{wanA}
		s.until(10*time.Minute + 20*time.Second)
		s.names = []netip.Addr{wanB}
		s.moves()
		s.until(10*time.Minute + 21*time.Second)
		if got := s.status().External; got != wanB {
			t.Errorf("external: got %v, want %v", got, wanB)
		}
	})
}

func TestStoodStill(t *testing.T) {
	tests := []struct {
		name            string
		ran, wall, late time.Duration
		want            bool
	}{
		{"a step on time", time.Minute, time.Minute, 0, false},
		{"a busy machine", 20 * time.Second, 20 * time.Second, 10 * time.Second, false},
		{"a clock that is set right a little", time.Minute, time.Minute + time.Second, 0, false},
		{"suspend on Linux", 10 * time.Second, time.Hour, 0, true},
		{"suspend elsewhere", time.Hour, time.Hour, time.Hour - 10*time.Second, true},
		{"a clock that is set back", time.Minute, -time.Hour, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := stoodStill(tt.ran, tt.wall, tt.late); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSleepMakesEverythingNew(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	reads, rounds, searches := len(s.seen), len(s.stunAsked), s.searches
	s.now = s.now.Add(3 * time.Hour)
	awake := s.now.Sub(s.start)
	clear(s.router.table)
	s.router.external, s.reflexive = wanB, wanB
	s.step(nil)
	s.until(awake + 10*time.Second)
	s.wants(wanB, Reachable, allPassive)
	if len(s.seen) == reads || len(s.stunAsked) == rounds || s.searches == searches {
		t.Errorf("network reads %d, STUN rounds %d, searches %d: want some of each",
			len(s.seen)-reads, len(s.stunAsked)-rounds, s.searches-searches)
	}
}

func TestHostWithAPublicAddress(t *testing.T) {
	s := newStory(t)
	s.router.off = true
	s.place.Local = wanA
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	s.advises("let TCP 2121 and 50000-50009 through its firewall")
}

func TestExternalAddressOnAnotherInterface(t *testing.T) {
	s := newStory(t)
	s.router.off = true
	s.place.Addrs = []netip.Addr{lanA, wanA}
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
}

func TestLANsOfTheOperator(t *testing.T) {
	vpn := netip.MustParsePrefix("10.8.0.0/24")
	for name, tt := range map[string]struct {
		interfaces bool
		want       int
	}{"beside the interfaces'": {true, 2}, "in their place": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, func(c *Config) { c.InterfaceLANs, c.LANs = tt.interfaces, []netip.Prefix{vpn} })
			got := s.until(time.Second).Network.LANs
			if len(got) != tt.want || got[len(got)-1] != vpn {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestNetworkThatCannotBeReadStopsNothing(t *testing.T) {
	s := newStory(t, func(c *Config) {
		c.Network = func() (route.Network, error) { return route.Network{}, errors.New("no netlink") }
	})
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
}
