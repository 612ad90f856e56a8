package natdiscovery

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

// changes tells the core of another configuration, and plays on for a while.
func (s *story) changes(change func(*Config)) {
	s.Helper()
	change(&s.cfg)
	s.tell(reconfigured{s.cfg})
	s.until(s.now.Sub(s.start) + 20*time.Second)
}

func TestAnotherRangeOfPortsTakesThePlaceOfTheFirst(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	began := s.now
	s.changes(func(c *Config) { c.FirstPassive, c.LastPassive, c.ExternalControlPort = 50005, 50014, 21 })
	s.wants(wanA, Reachable, "50005-50014")
	if got := s.router.lists(lanA); got != "21, 50005-50014" {
		t.Errorf("the router lists %q", got)
	}
	if got := s.status().Control.External; got != 21 {
		t.Errorf("outside clients dial %d, want 21", got)
	}
	for _, kept := range s.router.asked {
		if kept.what == "map" && kept.port >= 50005 && kept.port <= 50009 && !kept.at.Before(began) {
			t.Errorf("port %d is asked for again, which was there", kept.port)
		}
	}
	if s.searches != 1 {
		t.Errorf("the gateway was searched for %d times, want once", s.searches)
	}
}

func TestAPortOfImplicitTLSComesAndGoes(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	for _, c := range []struct {
		port uint16
		want string
	}{{990, "990, 2121, 50000-50009"}, {0, "2121, 50000-50009"}} {
		s.changes(func(cfg *Config) { cfg.ImplicitPort = c.port })
		s.wants(wanA, Reachable, allPassive)
		if got := s.router.lists(lanA); got != c.want {
			t.Errorf("the router lists %q, want %q", got, c.want)
		}
	}
}

func TestPortMappingIsSwitchedOffAndOnAgain(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.changes(func(c *Config) { c.Methods = nil })
	s.wants(wanA, ForwardedByHand, allPassive)
	if got := s.router.lists(lanA); got != "" {
		t.Errorf("switched off: the router lists %q", got)
	}
	asked := len(s.router.asked)
	s.until(s.now.Sub(s.start) + time.Hour)
	if got := len(s.router.asked); got != asked {
		t.Errorf("switched off: the router was asked %d more times", got-asked)
	}
	s.changes(func(c *Config) { c.Methods = []gateway.Method{gateway.UPnP} })
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("switched on again: the router lists %q", got)
	}
}

func TestWhatAMethodMadeThatIsNotAllowedAnyMoreIsRemovedByIt(t *testing.T) {
	s := newStory(t, func(c *Config) { c.Methods = []gateway.Method{gateway.UPnP} })
	other := newRouter(s.router.clock)
	other.method = gateway.PCP
	s.others = map[gateway.Method]*router{gateway.PCP: other}
	s.until(time.Minute)
	s.changes(func(c *Config) { c.Methods = []gateway.Method{gateway.PCP} })
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "" {
		t.Errorf("UPnP's table still lists %q", got)
	}
	if got := other.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("PCP's table lists %q", got)
	}
}

func TestAMethodThatIsPreferredNowTakesOver(t *testing.T) {
	s := newStory(t, func(c *Config) { c.Methods = []gateway.Method{gateway.UPnP} })
	s.others = map[gateway.Method]*router{gateway.PCP: s.router.speaks(gateway.PCP)}
	s.until(time.Minute)
	s.watch = func(st Status) {
		if st.Verdict != Reachable || ranges(st.Outside) != allPassive {
			t.Fatalf("meanwhile: %q, outside %s", st.Verdict, ranges(st.Outside))
		}
	}
	s.changes(func(c *Config) { c.Methods = []gateway.Method{gateway.PCP, gateway.UPnP} })
	if got := s.status().Gateway.Method; got != gateway.PCP {
		t.Errorf("the gateway is asked by %s, want PCP", got)
	}
}

func TestAGatewayThatIsGoneIsNotWaitedFor(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.off = true
	s.changes(func(c *Config) { c.Methods = nil })
	s.wants(wanA, ForwardedByHand, allPassive)
}

func TestTheOperatorsAddressComesAndGoes(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.changes(func(c *Config) { c.ExternalAddress = wanB })
	if got := s.status(); got.External != wanB || got.Source != SourceOperator {
		t.Errorf("external: got %v by %s, want the operator's %v", got.External, got.Source, wanB)
	}
	s.names = []netip.Addr{wanC}
	s.changes(func(c *Config) { c.ExternalAddress, c.ExternalHost = netip.Addr{}, "home.example.org" })
	if got := s.status().External; got != wanC {
		t.Errorf("external: got %v, want the host's %v", got, wanC)
	}
	s.changes(func(c *Config) { c.ExternalHost = "" })
	s.wants(wanA, Reachable, allPassive)
}

func TestTheOperatorsAddressDoesNotOutliveHisWord(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ExternalAddress = wanB })
	s.router.off, s.reflexive = true, nobody
	s.until(time.Minute)
	if got := s.status().External; got != wanB {
		t.Fatalf("external: got %v, want the operator's %v", got, wanB)
	}
	s.changes(func(c *Config) { c.ExternalAddress = netip.Addr{} })
	got := s.status()
	if got.External.IsValid() || got.Source != SourceNone {
		t.Errorf("external: got %v by %q, and nobody says so any more", got.External, got.Source)
	}
	var log bytes.Buffer
	report(Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, &Status{External: wanB, Source: SourceOperator}, &got)
	if !strings.Contains(log.String(), `msg="external address not known any more" old=`+wanB.String()) {
		t.Errorf("the log does not tell:\n%s", &log)
	}
}

func TestOtherLANsAndNoSTUNServersHoldAtOnce(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	lan := netip.MustParsePrefix("10.9.0.0/16")
	ask := s.cfg.AskSTUN
	s.changes(func(c *Config) { c.LANs, c.STUNServers, c.AskSTUN = []netip.Prefix{lan}, []string{"none"}, nil })
	got := s.status()
	if len(got.Network.LANs) != 2 || got.Network.LANs[1] != lan {
		t.Errorf("LANs: got %v, want %v among them", got.Network.LANs, lan)
	}
	if got.Reflexive.IsValid() {
		t.Errorf("reflexive: got %v of servers that are asked no more", got.Reflexive)
	}
	s.changes(func(c *Config) { c.STUNServers, c.AskSTUN = []string{"two", "more"}, ask })
	if got := s.status().Reflexive; got != wanA {
		t.Errorf("reflexive: got %v, want %v", got, wanA)
	}
}

func TestAChangeDuringARequestIsTakenOverAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		h.after(800 * time.Millisecond)
		h.change(func() { h.delay = 2 * time.Second })
		h.after(time.Second)
		for last := uint16(50001); last <= 50003; last++ {
			cfg := h.cfg
			cfg.LastPassive = last
			h.Change(cfg)
		}
		h.change(func() { h.delay = 100 * time.Millisecond })
		if got := ranges(h.after(10 * time.Second).Outside); got != "50000-50003" {
			t.Errorf("outside: got %s, want 50000-50003", got)
		}
		if got := h.lists(); got != "2121, 50000-50003" {
			t.Errorf("the router lists %q", got)
		}
		h.stop()
		if got := h.lists(); got != "" {
			t.Errorf("at the end the router lists %q", got)
		}
	})
}

func TestPinholesFollowTheConfiguration(t *testing.T) {
	s := home6(t)
	s.until(time.Minute)
	for _, c := range []struct {
		what   string
		change func(*Config)
		want   string
	}{
		{"other ports", func(c *Config) { c.FirstPassive, c.LastPassive = 50002, 50003 }, "2121, 50002-50003"},
		{"switched off", func(c *Config) { c.Pinholes = false }, ""},
		{"switched on", func(c *Config) { c.Pinholes = true }, "2121, 50002-50003"},
		{"all mapping switched off", func(c *Config) { c.Methods = nil }, ""},
	} {
		s.changes(c.change)
		t.Log(c.what)
		s.wantsPinholes(lasting, c.want)
	}
}
