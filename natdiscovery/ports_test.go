package natdiscovery

import (
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

func TestPortOfAnotherHostStaysOut(t *testing.T) {
	s := newStory(t)
	other := netip.MustParseAddrPort("192.168.77.99:50003")
	s.router.table[50003] = entry{internal: other}
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, "50000-50002, 50004-50009")
	s.advises("TCP 50003 of the passive ports are left out")
	if got := ranges(s.status().Inside); got != "50000-50002, 50004-50009" {
		t.Errorf("inside: got %q", got)
	}
	s.until(2 * time.Hour)
	if got := s.router.table[50003].internal; got != other {
		t.Errorf("the other host's mapping became %v", got)
	}
	delete(s.router.table, 50003)
	s.until(2*time.Hour + 7*time.Minute)
	s.wants(wanA, Reachable, allPassive)
}

func TestWhereAllPortsAreTakenTheLANHasThem(t *testing.T) {
	s := newStory(t)
	for n := uint16(50000); n <= 50009; n++ {
		s.router.table[n] = entry{internal: netip.AddrPortFrom(netip.MustParseAddr("192.168.77.99"), n)}
	}
	s.until(time.Minute)
	if got := s.status(); len(got.Outside) > 0 || ranges(got.Inside) != allPassive {
		t.Errorf("outside: got %q, want none; inside: got %q, want %s", ranges(got.Outside), ranges(got.Inside), allPassive)
	}
}

func TestTheImplicitPortIsMappedAndNeverToldAsAPassiveOne(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ImplicitPort = 990 })
	s.until(time.Minute)
	s.wants(wanA, Reachable, allPassive)
	got := s.status()
	if got.Implicit.State != PortVerified || got.Implicit.External != 990 || len(got.Passive) != 10 {
		t.Errorf("implicit: got %+v, want port 990 verified; passive: got %d ports, want 10", got.Implicit, len(got.Passive))
	}
	if rules := got.Rules(); len(rules) != 3 || rules[2].First != 990 {
		t.Errorf("rules: got %+v, want one for 990 beside those of the others", rules)
	}
	if _, mapped := s.router.table[990]; !mapped {
		t.Error("the router maps no port 990")
	}
}

func TestPortTakenOverByAnotherHostLater(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.table[50003] = entry{internal: netip.MustParseAddrPort("192.168.77.99:50003")}
	s.until(6 * time.Minute)
	s.wants(wanA, Reachable, "50000-50002, 50004-50009")
}

// denies makes the router answer what with err, for some ports.
func denies(what string, err error, from, to uint16) func(string, uint16) error {
	return func(asked string, port uint16) error {
		if asked == what && port >= from && port <= to {
			return err
		}
		return nil
	}
}

func TestControlPortThatIsRefusedFallsBackToOurs(t *testing.T) {
	for name, err := range map[string]error{"refused": gateway.ErrRefused, "taken": gateway.ErrConflict} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, func(c *Config) { c.ExternalControlPort = 21 })
			s.router.deny = denies("map", err, 21, 21)
			s.until(10 * time.Second)
			s.wants(wanA, Reachable, allPassive)
			s.advises("give friends port 2121: the router denies 21")
			if got := s.status().Control.External; got != 2121 {
				t.Errorf("control port: got %d, want 2121", got)
			}
		})
	}
}

func TestWhatOneRouterDeniesAnotherIsAskedFor(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ExternalControlPort = 21 })
	s.router.deny = denies("map", gateway.ErrRefused, 21, 21)
	s.until(time.Minute)
	s.advises("the router denies 21")
	s.router = newRouter(s.router.clock)
	s.router.device.ID, s.router.device.Address = "uuid:2", netip.MustParseAddr("192.168.1.1")
	s.place.Local, s.place.Router = netip.MustParseAddr("192.168.1.10"), s.router.device.Address
	s.tell(networkChanged{})
	s.after(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.status(); got.Control.External != 21 || got.Advice != "" {
		t.Errorf("control port: got %d (%s), want 21", got.Control.External, got.Advice)
	}
}

func TestControlPortElsewhere(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ExternalControlPort = 21 })
	s.until(10 * time.Second)
	if got := s.router.table[21].internal; got != netip.AddrPortFrom(lanA, 2121) {
		t.Errorf("port 21 leads to %v", got)
	}
	if got := s.status(); got.Control.External != 21 || got.Advice != "" {
		t.Errorf("control port: got %d (%s), want 21", got.Control.External, got.Advice)
	}
}

func TestRouterThatRefusesEverythingAndThenGivesIn(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ExternalControlPort = 21 })
	s.router.deny = denies("map", gateway.ErrRefused, 0, 65535)
	s.until(10 * time.Second)
	s.wants(wanA, GatewayRefuses, allPassive)
	s.advises("forward TCP 21 (to port 2121) and 50000-50009 on the router 192.168.77.1 to 192.168.77.10")
	refused := s.now
	s.watch = func(now Status) {
		if now.Verdict != GatewayRefuses {
			t.Errorf("verdict wavers: %q", now.Verdict)
		}
	}
	s.until(12 * time.Hour)
	if got := s.router.busiest(refused); got > 12 {
		t.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
	s.watch, s.router.deny = nil, nil
	s.until(12*time.Hour + 35*time.Minute)
	s.wants(wanA, Reachable, allPassive)
	if got := s.status().Control.External; got != 21 {
		t.Errorf("control port: got %d, want 21 as asked", got)
	}
}

func TestPortsThatTheRouterForwardsByARuleOfItsOwn(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ExternalControlPort = 21 })
	s.router.deny = denies("map", gateway.ErrRule, 0, 65535)
	s.until(time.Minute)
	s.wants(wanA, ForwardedByHand, allPassive)
	s.advises("see that the router 192.168.77.1 forwards TCP 21 (to port 2121) and 50000-50009 to 192.168.77.10")
	quiet := s.now
	s.after(time.Hour)
	if got := s.router.busiest(quiet); got > 12 {
		t.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
	s.visits(friend(1), wanA, true)
	s.wants(wanA, Reachable, allPassive)
	s.router.deny = nil
	s.after(time.Hour)
	if got := s.router.lists(lanA); got != "21, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestRouterWithAFullTable(t *testing.T) {
	s := newStory(t)
	s.router.deny = denies("map", gateway.ErrFull, 50004, 50009)
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, "50000-50003")
	s.advises("TCP 50004-50009 of the passive ports are left out")
}

func TestRefusedRenewalOfALivingMapping(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.deny = denies("map", gateway.ErrRefused, 0, 65535)
	s.until(50 * time.Minute)
	s.wants(wanA, Reachable, allPassive)
	s.until(90 * time.Minute) // the leases have ended
	s.wants(wanA, GatewayRefuses, allPassive)
}

func TestRefusedRenewalOfALostMapping(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.deny = denies("map", gateway.ErrRefused, 0, 65535)
	clear(s.router.table)
	s.until(3 * time.Minute)
	s.wants(wanA, GatewayRefuses, allPassive)
}
