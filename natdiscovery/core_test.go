package natdiscovery

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
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

func TestQuietHoursCostLittleAndLoseNothing(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	quiet := s.now
	searches := s.searches
	for at := time.Minute; at < 6*time.Hour; at += 10 * time.Second {
		s.until(at)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Fatalf("at %v the router lists %q", at, got)
		}
		for i := range s.core.ports {
			if age := s.now.Sub(s.core.ports[i].confirmed); age > 5*time.Minute {
				t.Fatalf("at %v port %d went unconfirmed for %v", at, s.core.ports[i].internal, age)
			}
		}
	}
	if got := s.router.busiest(quiet); got > 12 {
		t.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
	if s.searches != searches {
		t.Errorf("searches in quiet hours: %d", s.searches-searches)
	}
	if got, want := len(s.stunAsked), 6*12+5; got > want {
		t.Errorf("STUN rounds in six hours: got %d, want at most %d", got, want)
	}
}

func TestShortLeasesAreKeptWithoutAGap(t *testing.T) {
	s := newStory(t)
	s.router.lease = time.Minute
	for at := 10 * time.Second; at < 10*time.Minute; at += time.Second {
		s.until(at)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Fatalf("at %v the router lists %q", at, got)
		}
	}
}

func TestLeaseThatNeverEndsIsCheckedAndNotRenewed(t *testing.T) {
	s := newStory(t, func(c *Config) { c.Lease = 0 })
	s.until(time.Minute)
	quiet := s.now
	s.until(5 * time.Hour)
	if got := s.router.count("map", quiet); got != 0 {
		t.Errorf("renewals: got %d, want 0", got)
	}
	if got := s.router.count("check", quiet); got < 5*12*11 {
		t.Errorf("checks: got %d, want one of each mapping in 5 minutes", got)
	}
}

func TestEveryAddressChangeIsNoticedInTime(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	for i, addr := range []netip.Addr{wanB, wanC, wanA} {
		changed := time.Duration(i+1)*2*time.Minute + time.Duration(i)*3*time.Second
		s.until(changed)
		s.router.external, s.reflexive = addr, addr
		clear(s.router.table) // PPP reconnect
		s.until(changed + 15*time.Second)
		s.wants(addr, Reachable, allPassive)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Errorf("after change %d the router lists %q", i, got)
		}
	}
}

func TestAddressChangeLeavesThePortsInUse(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.watch = func(now Status) {
		if len(now.Outside) == 0 {
			t.Errorf("no outside port after %v", s.now.Sub(s.start))
		}
	}
	s.router.external, s.reflexive = wanB, wanB
	s.until(2 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
}

func TestReconnectWithoutAddressInBetween(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.external, s.reflexive = nobody, nobody
	s.until(2 * time.Minute)
	s.wants(wanA, Reachable, allPassive)
	s.router.external, s.reflexive = wanB, wanB
	s.until(2*time.Minute + 15*time.Second)
	s.wants(wanB, Reachable, allPassive)
}

func TestSTUNAlone(t *testing.T) {
	s := newStory(t)
	s.router.off = true
	s.until(4 * time.Second)
	s.wants(wanA, ForwardedByHand, allPassive)
	s.advises("forward TCP 2121 and 50000-50009 on the router 192.168.77.1 to 192.168.77.10")

	s.until(time.Hour)
	s.reflexive = wanB
	s.until(time.Hour + 35*time.Second)
	s.wants(wanB, ForwardedByHand, allPassive)

	s.reflexive = nobody
	s.until(2 * time.Hour)
	s.wants(wanB, ForwardedByHand, allPassive)
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

func TestRouterThatStartsLater(t *testing.T) {
	s := newStory(t)
	s.router.off, s.reflexive = true, nobody
	s.until(time.Minute)
	s.router.off, s.reflexive = false, wanA
	s.until(80 * time.Second)
	s.wants(wanA, Reachable, allPassive)
}

func TestPortsForwardedByHandServeUntilTheRouterOpensThem(t *testing.T) {
	s := newStory(t)
	s.router.off = true
	s.until(5 * time.Second)
	s.watch = func(now Status) {
		if len(now.Outside) == 0 {
			t.Errorf("no outside port after %v", s.now.Sub(s.start))
		}
	}
	s.router.off = false
	s.until(time.Minute)
	s.wants(wanA, Reachable, allPassive)
}

func TestRouterReboot(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	s.router.off, s.reflexive = true, nobody
	s.router.reboot()
	s.until(11 * time.Minute)
	s.wants(wanA, NoGateway, allPassive)
	s.router.off, s.router.external, s.reflexive = false, wanB, wanB
	s.until(12*time.Minute + 5*time.Second)
	s.wants(wanB, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestRouterThatMovesItsPortIsFoundAtOnce(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	s.router.reboot()
	s.until(10*time.Minute + 20*time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestRouterThatStaysAway(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	s.router.off = true
	s.until(15 * time.Minute)
	s.wants(wanA, NoGateway, allPassive)
	s.advises("see whether the router 192.168.77.1 still runs")
	s.until(2 * time.Hour) // the leases have ended
	s.wants(wanA, ForwardedByHand, allPassive)
	s.reflexive = wanB
	s.until(2*time.Hour + 35*time.Second)
	s.wants(wanB, ForwardedByHand, allPassive)
}

func TestLostMappingsArePutBack(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	clear(s.router.table)
	s.until(10*time.Minute + 25*time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

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
	s.until(3 * time.Hour)
	if got := s.router.busiest(refused); got > 12 {
		t.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
	s.watch, s.router.deny = nil, nil
	s.until(3*time.Hour + 10*time.Minute)
	s.wants(wanA, Reachable, allPassive)
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

func TestSTUNContradictsTheRouter(t *testing.T) {
	s := newStory(t)
	s.reflexive = wanB
	s.until(3 * time.Second)
	if got := s.status().External; got != wanA {
		t.Errorf("after one contradiction: got %v, want the router's %v", got, wanA)
	}
	s.until(20 * time.Second)
	s.wants(wanB, Reachable, allPassive)
	s.advises("the router tells 11.22.0.2, but the internet sees 11.22.0.3")
	s.reflexive = nobody
	s.until(10 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.router.external = wanC // news, and newer than what STUN said
	s.until(10*time.Minute + 15*time.Second)
	s.wants(wanC, Reachable, allPassive)
}

func TestSTUNThatAnswersNothing(t *testing.T) {
	s := newStory(t)
	s.reflexive = nobody
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
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

func TestOtherNetworkHasOtherMappings(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	home := s.router
	s.router = newRouter(home.clock)
	s.router.device = gateway.Device{Address: netip.MustParseAddr("10.1.1.1"), ID: "uuid:2"}
	s.router.external, s.reflexive = wanC, wanC
	s.place.Router, s.place.Local = s.router.device.Address, netip.MustParseAddr("10.1.1.7")
	s.tell(networkChanged{})
	s.until(70 * time.Second)
	s.wants(wanC, Reachable, allPassive)
	if got := s.router.count("unmap", s.start); got != 0 {
		t.Errorf("the new router was asked to remove %d mappings of the old one", got)
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

func TestDeadRouterDelaysNoSTUN(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.off = true
	s.until(90 * time.Second) // found out, by a time-out of 5 s
	s.reflexive = wanB
	s.until(125 * time.Second)
	if got := s.status().External; got != wanB {
		t.Errorf("external: got %v, want %v", got, wanB)
	}
}

func TestSenselessRouterIsNotChased(t *testing.T) {
	for name, err := range map[string]error{"nonsense": gateway.ErrProtocol, "other": errors.New("odd")} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.router.deny = func(string, uint16) error { return err }
			s.until(time.Hour)
			s.wants(wanA, GatewayRefuses, allPassive)
			if s.searches > 100 || len(s.router.asked) > 12*60+200 {
				t.Errorf("in an hour: %d searches, %d requests", s.searches, len(s.router.asked))
			}
		})
	}
	t.Run("found and gone again", func(t *testing.T) {
		s := newStory(t)
		s.router.deny = func(string, uint16) error { return gateway.ErrGone }
		s.until(time.Hour)
		if s.searches > 100 {
			t.Errorf("in an hour: %d searches", s.searches)
		}
		if got := s.status().External; got != wanA {
			t.Errorf("external: got %v, want %v", got, wanA)
		}
	})
}

func TestHostName(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ExternalHost = "home.example" })
	s.names = []netip.Addr{netip.MustParseAddr("192.168.77.10"), netip.MustParseAddr("::1")}
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	s.advises("home.example stands for no address that the internet can reach")
	s.names = []netip.Addr{wanB}
	s.until(time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.names = []netip.Addr{wanC, wanB} // the same, turned round
	s.until(3 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.names = nil
	s.until(10 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.names = []netip.Addr{wanC}
	s.until(12 * time.Minute)
	s.wants(wanC, Reachable, allPassive)
}

func TestHostWithAPublicAddress(t *testing.T) {
	s := newStory(t)
	s.router.off = true
	s.place.Local = wanA
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	s.advises("let TCP 2121 and 50000-50009 through its firewall")
}

func TestTheEndKnowsWhatIsOnTheRouter(t *testing.T) {
	t.Run("all that was mapped", func(t *testing.T) {
		s := newStory(t)
		s.until(time.Minute)
		if _, list := s.core.leave(); len(list) != 11 {
			t.Errorf("got %d mappings, want 11", len(list))
		}
	})
	t.Run("what is being asked for", func(t *testing.T) {
		s := newStory(t)
		s.until(time.Second)
		for s.core.gw.doing == nil {
			s.until(s.now.Sub(s.start) + 10*time.Millisecond)
		}
		asked, ok := s.core.gw.doing.(mapPort)
		if !ok {
			t.Fatalf("the router is asked %T", s.core.gw.doing)
		}
		_, list := s.core.leave()
		if last := list[len(list)-1]; last.Request != asked.request {
			t.Errorf("got %v last, want %v", last.Request, asked.request)
		}
	})
	t.Run("what got no answer", func(t *testing.T) {
		s := newStory(t)
		s.router.deny = denies("map", gateway.ErrProtocol, 2121, 2121)
		s.until(time.Second * 10)
		if _, list := s.core.leave(); len(list) != 11 {
			t.Errorf("got %d mappings, want 11", len(list))
		}
	})
	t.Run("not what was refused", func(t *testing.T) {
		s := newStory(t)
		s.router.deny = denies("map", gateway.ErrRefused, 0, 65535)
		s.until(time.Second * 10)
		if _, list := s.core.leave(); len(list) != 0 {
			t.Errorf("got %v, want none", list)
		}
	})
}
