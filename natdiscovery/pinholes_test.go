package natdiscovery

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

var (
	lasting = netip.MustParseAddr("2600:1::10")
	another = netip.MustParseAddr("2600:1::77ac")
)

// firewall is the IPv6 part of a router.
type firewall struct {
	holes map[string]gateway.Pinhole
	made  int
}

// through are the ports of one address that the firewall lets in.
func (r *router) through(addr netip.Addr) string {
	var ports []uint16
	for _, p := range r.firewall.holes {
		if p.Internal.Addr() == addr && p.Expires().After(r.clock()) {
			ports = append(ports, p.Internal.Port())
		}
	}
	slices.Sort(ports)
	return ranges(slices.Compact(ports))
}

// pinholer is a client of a router with an IPv6 firewall.
type pinholer struct{ *client }

func (c pinholer) OpenPinhole(_ context.Context, internal netip.AddrPort, lease time.Duration) (gateway.Pinhole, error) {
	if err := c.ask("open", internal.Port(), 1); err != nil {
		return gateway.Pinhole{}, err
	}
	f := &c.r.firewall
	f.made++
	p := gateway.Pinhole{Internal: internal, ID: fmt.Sprint(f.made), Granted: c.r.clock(), Lifetime: lease}
	f.holes[p.ID] = p
	return p, nil
}

func (c pinholer) RenewPinhole(_ context.Context, p gateway.Pinhole, lease time.Duration) (gateway.Pinhole, error) {
	if err := c.ask("renew", p.Internal.Port(), 1); err != nil {
		return gateway.Pinhole{}, err
	}
	if held, ok := c.r.firewall.holes[p.ID]; !ok || !held.Expires().After(c.r.clock()) {
		return gateway.Pinhole{}, gateway.ErrNotMapped
	}
	p.Granted, p.Lifetime = c.r.clock(), lease
	c.r.firewall.holes[p.ID] = p
	return p, nil
}

func (c pinholer) CheckPinhole(_ context.Context, p gateway.Pinhole, _ time.Duration) (gateway.Pinhole, error) {
	if err := c.ask("look", p.Internal.Port(), 1); err != nil {
		return gateway.Pinhole{}, err
	}
	if held, ok := c.r.firewall.holes[p.ID]; !ok || !held.Expires().After(c.r.clock()) {
		return gateway.Pinhole{}, gateway.ErrNotMapped
	}
	return p, nil
}

func (c pinholer) ClosePinhole(_ context.Context, p gateway.Pinhole) error {
	if err := c.ask("close", p.Internal.Port(), 1); err != nil {
		return err
	}
	delete(c.r.firewall.holes, p.ID)
	return nil
}

// withPinholes makes the fake clients that find something pinholers.
func withPinholes(discover func(context.Context, Network, gateway.Method) (gateway.Client, error)) func(context.Context, Network, gateway.Method) (gateway.Client, error) {
	return func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
		found, err := discover(ctx, n, m)
		if c, ok := found.(*client); ok {
			return pinholer{c}, err
		}
		return found, err
	}
}

// home6 is a home with public IPv6 addresses.
func home6(t *testing.T, change ...func(*Config)) *story {
	s := newStory(t, append([]func(*Config){func(c *Config) {
		c.Pinholes, c.LastPassive = true, 50002
		c.Discover = withPinholes(c.Discover)
	}}, change...)...)
	s.lasts(netip.MustParseAddr("fd00::10"), lasting, netip.MustParseAddr("::1"))
	return s
}

// lasts makes these our lasting addresses.
func (s *story) lasts(addrs ...netip.Addr) {
	s.place.Lasting, s.place.Addrs = addrs, append(slices.Clone(addrs), lanA)
}

func (s *story) wantsPinholes(addr netip.Addr, want string) {
	s.Helper()
	if got := s.router.through(addr); got != want {
		s.Errorf("at %v the firewall lets in %q to %v, want %q", s.now.Sub(s.start), got, addr, want)
	}
}

const allOf6 = "2121, 50000-50002"

func TestPinholesAreOpenedForPublicAddressesAndKept(t *testing.T) {
	s := home6(t)
	got := s.until(10 * time.Second)
	if len(got.Pinholes) != 4 || got.Pinholes[0].State != PortVerified || got.Pinholes[0].Internal != netip.AddrPortFrom(lasting, 2121) || got.Pinholes[0].Expires.IsZero() {
		t.Errorf("got %+v", got.Pinholes)
	}
	if i := slices.IndexFunc(s.router.asked, func(q request) bool { return q.what == "open" }); s.router.asked[i-1].port != 50002 {
		t.Errorf("before the first pinhole the router was asked for %+v, want the last mapping", s.router.asked[i-1])
	}
	quiet := s.now
	for range 6 * 60 {
		s.after(time.Minute)
		s.wantsPinholes(lasting, allOf6)
	}
	if got := s.router.busiest(quiet); got > 12 {
		t.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
	if s.router.firewall.made != 4 {
		t.Errorf("pinholes made: got %d, want 4 that were renewed", s.router.firewall.made)
	}
}

func TestPinholesFollowOurAddresses(t *testing.T) {
	s := home6(t)
	s.until(time.Minute)
	s.lasts(lasting, another)
	s.tell(networkChanged{})
	s.after(10 * time.Second)
	s.wantsPinholes(another, allOf6)
	s.wantsPinholes(lasting, allOf6)
	s.lasts(lasting)
	s.tell(networkChanged{})
	s.after(time.Hour)
	s.wantsPinholes(lasting, allOf6)
	if got := len(s.status().Pinholes); got != 4 {
		t.Errorf("pinholes: got %d, want 4", got)
	}
}

func TestLostPinholesAreOpenedAgain(t *testing.T) {
	s := home6(t)
	s.until(time.Minute)
	s.router.reboot()
	clear(s.router.firewall.holes)
	s.after(20 * time.Second)
	s.wantsPinholes(lasting, allOf6)
}

func TestOnlySoManyAddressesGetPinholes(t *testing.T) {
	s := home6(t)
	for i := range byte(9) {
		s.lasts(append(s.place.Lasting, netip.AddrFrom16([16]byte{0x26, 0, 9, 15: i}))...)
	}
	if got := len(s.until(time.Minute).Pinholes); got != 4*pinholeAddresses {
		t.Errorf("pinholes: got %d, want those of %d addresses", got, pinholeAddresses)
	}
}

func TestNoPinholesAreAskedFor(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"when they are off":        func(c *Config) { c.Pinholes = false },
		"when port mapping is off": func(c *Config) { c.Methods = nil },
		"by a method without them": func(c *Config) { c.Discover = onlyClients(c.Discover) },
	} {
		t.Run(name, func(t *testing.T) {
			s := home6(t)
			change(&s.cfg)
			s.core = newCore(s.cfg, journal{})
			s.until(time.Hour)
			if s.router.firewall.made != 0 || s.router.count("renew", s.start) != 0 {
				t.Errorf("made %d", s.router.firewall.made)
			}
		})
	}
}

// onlyClients hides what else the clients can do.
func onlyClients(discover func(context.Context, Network, gateway.Method) (gateway.Client, error)) func(context.Context, Network, gateway.Method) (gateway.Client, error) {
	return func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
		c, err := discover(ctx, n, m)
		return struct{ gateway.Client }{c}, err
	}
}

func TestRouterWithoutPinholesIsAskedSeldom(t *testing.T) {
	for _, tt := range []struct {
		err   error
		state PortState
		times int
	}{
		{gateway.ErrNoPinholes, PortRefused, 12},
		{gateway.ErrOpen, PortUnneeded, 8 * 12},
		{gateway.ErrRefused, PortRefused, 4 * 18},
		{gateway.ErrGone, PortRefused, 4 * 18},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			s := home6(t)
			s.router.deny = denies("open", tt.err, 0, 65535)
			s.until(6 * time.Hour)
			s.wants(wanA, Reachable, "50000-50002")
			got := s.status().Pinholes
			if len(got) != 4 || got[3].State != tt.state || (tt.state == PortRefused) != (got[3].Problem != "") {
				t.Errorf("got %+v", got)
			}
			if n := s.router.count("open", s.start); n > tt.times {
				t.Errorf("asked %d times in 6 hours, want at most %d", n, tt.times)
			}
			s.router.deny = nil
			s.after(40 * time.Minute)
			s.wantsPinholes(lasting, allOf6)
		})
	}
}

func TestAnotherMethodOpensThePinholes(t *testing.T) {
	s := home6(t, by(first, gateway.UPnP))
	s.also(first).deny = denies("open", gateway.ErrNoPinholes, 0, 65535)
	s.until(10 * time.Second)
	s.wantsMethod(first)
	s.wantsPinholes(lasting, allOf6)
}

func TestPinholesAreToldByTheirMethod(t *testing.T) {
	s := home6(t, by(first, gateway.UPnP))
	preferred := s.also(first)
	s.until(10 * time.Second)
	if got := s.status().Pinholes; len(got) != 4 || got[0].Method != first {
		t.Errorf("got %+v, want them opened by %s", got, first)
	}
	preferred.deny = denies("renew", gateway.ErrNoPinholes, 0, 65535)
	s.after(50 * time.Minute)
	if got := s.status().Pinholes; len(got) != 4 || got[0].Method != gateway.UPnP {
		t.Errorf("got %+v, want them opened by %s", got, gateway.UPnP)
	}
	if s.router.count("open", s.start) != 4 {
		t.Errorf("UPnP has opened %d pinholes, want 4: it does not know those of another method", s.router.count("open", s.start))
	}
	var methods []gateway.Method
	for _, p := range s.core.leavePinholes() {
		if s.core.closer(p) == nil {
			t.Errorf("nobody closes %+v", p)
		}
		methods = append(methods, p.method)
	}
	if !slices.Contains(methods, first) || !slices.Contains(methods, gateway.UPnP) {
		t.Errorf("at the end pinholes by %v are closed, want by both methods", methods)
	}
	s.after(20 * time.Minute)
	if got := len(s.core.pinholes.former); got != 0 {
		t.Errorf("kept in mind after their leases: %d pinholes", got)
	}
}

func TestPinholesAreCheckedBetweenRenewals(t *testing.T) {
	s := home6(t)
	s.until(10 * time.Minute)
	if got := s.router.count("look", s.start); got < 6 || got > 9 {
		t.Errorf("checks in 10 minutes: got %d, want one in %v or a little more", got, pinholeCheckPause)
	}
	clear(s.router.firewall.holes)
	s.after(2 * time.Minute)
	s.wantsPinholes(lasting, allOf6)
	if s.router.firewall.made != 8 {
		t.Errorf("pinholes made: got %d, want all 4 once more", s.router.firewall.made)
	}
}

func TestMappingsAreCheckedInTimeBesidePinholes(t *testing.T) {
	s := home6(t, func(c *Config) { c.LastPassive = 50009 })
	s.lasts(lasting, another)
	s.until(time.Minute)
	quiet := s.now
	for range 3 * 60 {
		s.after(time.Minute)
		for i := range s.core.ports {
			if age := s.now.Sub(s.core.ports[i].looked); age > 5*time.Minute {
				t.Fatalf("at %v port %d went unconfirmed for %v", s.now.Sub(s.start), s.core.ports[i].internal, age)
			}
		}
		s.wantsPinholes(lasting, "2121, 50000-50009")
		s.wantsPinholes(another, "2121, 50000-50009")
	}
	if got := s.router.busiest(quiet); got > 12 {
		t.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
}

func TestAnIPv6RouterThatComesLaterIsAsked(t *testing.T) {
	router6 := netip.MustParseAddr("fe80::1%eth0")
	for name, soon := range map[string]time.Duration{"while the gateway is searched for": 100 * time.Millisecond, "long after": time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := home6(t)
			var asked Network
			discover := s.cfg.Discover
			s.cfg.Discover = func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
				asked = n
				return discover(ctx, n, m)
			}
			s.until(soon)
			s.watch = func(now Status) {
				if soon == time.Minute && now.Gateway == nil {
					t.Error("the gateway is lost")
				}
			}
			s.place.Router6 = router6
			s.tell(networkChanged{})
			s.after(10 * time.Second)
			if asked.Router6 != router6 || s.status().Network.Router6 != router6 {
				t.Errorf("searched at %v, told %v, want %v", asked.Router6, s.status().Network.Router6, router6)
			}
			s.wantsPinholes(lasting, allOf6)
		})
	}
}

func TestNextStartTakesPinholesOver(t *testing.T) {
	s := home6(t, journalled(t))
	s.until(time.Minute)
	s.dies(func(c *Config) { c.LastPassive = 50001 })
	s.after(10 * time.Second)
	s.wantsPinholes(lasting, "2121, 50000-50001")
	if s.router.firewall.made != 4 {
		t.Errorf("pinholes made: got %d, want the 4 of the first run", s.router.firewall.made)
	}
}

func TestNextStartAsksTheMethodThatOpenedThem(t *testing.T) {
	s := home6(t, journalled(t), by(first, gateway.UPnP))
	preferred := s.also(first)
	s.until(time.Minute)
	preferred.off = true
	s.dies()
	s.after(time.Minute)
	s.wantsPinholes(lasting, allOf6)
	if got := s.router.count("renew", s.start); got != 0 {
		t.Errorf("UPnP was asked to renew %d pinholes of another method", got)
	}
	if got := s.store().load(s.cfg.Log).pinholes; len(got) != 8 || got[0].method != first {
		t.Errorf("the journal has %+v, want those of both methods", got)
	}
}

func TestPinholesOfAnotherHomeAreNoMore(t *testing.T) {
	s := home6(t, journalled(t))
	s.until(time.Minute)
	s.lasts(another)
	home := s.moves()
	s.after(time.Minute)
	s.wantsPinholes(another, allOf6)
	if got := s.router.count("renew", s.start) + s.router.count("close", s.start); got != 0 || len(home.firewall.holes) != 4 {
		t.Errorf("the new router was asked %d times for pinholes of the old one", got)
	}
}

func TestPinholesAreClosedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dir store
		h := live(t, func(h *home, c *Config) {
			discover := c.Discover
			c.Pinholes, c.StateDir = true, t.TempDir()
			dir = store(c.StateDir)
			h.place.Lasting = []netip.Addr{lasting}
			c.Discover = func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
				found, err := discover(ctx, n, m)
				return struct {
					gateway.Client
					gateway.Pinholer
				}{found, pinholer{&client{h.router, h.router.boot, n.Local}}}, err
			}
		})
		h.after(time.Minute)
		if got := h.router.through(lasting); got != "2121, 50000-50009" {
			t.Errorf("while it runs the firewall lets in %q", got)
		}
		h.stop()
		if got := h.router.through(lasting); got != "" {
			t.Errorf("at the end the firewall lets in %q", got)
		}
		if j := dir.load(failOnLog(t)); len(j.pinholes) != 0 {
			t.Errorf("the journal still has %v", j.pinholes)
		}
	})
}
