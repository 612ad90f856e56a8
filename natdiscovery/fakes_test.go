package natdiscovery

import (
	"context"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/natpmp"
	"natftpd/natdiscovery/nattest"
	"natftpd/natdiscovery/pcp"
	"natftpd/natdiscovery/route"
	"natftpd/natdiscovery/stun"
	"natftpd/natdiscovery/upnp"
)

func TestFakeHomeNetwork(t *testing.T) {
	r := nattest.Start(t)
	one := nattest.StartSTUN(t, netip.AddrPortFrom(nattest.WAN, 1))
	two := nattest.StartSTUN(t, netip.AddrPortFrom(nattest.WAN, 2))
	cfg := testConfig()
	cfg.LastPassive = 50002
	cfg.CheckInterval = 150 * time.Millisecond
	cfg.Network = func() (route.Network, error) {
		return route.Network{Interface: "lo", Local: r.Address(), Router: r.Address(), LANs: nattest.LANs}, nil
	}
	cfg.Discover = func(ctx context.Context, n Network, _ gateway.Method) (gateway.Client, error) {
		return upnp.Discover(ctx, upnp.Config{Local: n.Local, LANs: n.LANs, Search: []netip.AddrPort{r.Search()}})
	}
	cfg.AskSTUN = func(ctx context.Context) []stun.Answer {
		answers := stun.Ask(ctx, stun.Config{Servers: []string{one.Address().String(), two.Address().String()}})
		// Two operators on one loopback.
		answers[1].Server, answers[1].Addr = "two.example:3478", netip.MustParseAddrPort("127.0.0.2:3478")
		return answers
	}
	cfg.Announcements = func(ctx context.Context, _ string, _ netip.Addr, _ func(gateway.Reason)) error {
		<-ctx.Done()
		return nil
	}
	cfg.TryHairpin = func(context.Context, netip.AddrPort) error { return syscall.ECONNREFUSED }
	d, ctx, stop := runs(t, cfg)

	st := waitFor(ctx, t, d, func(s *Status) bool { return s.Verdict == Reachable && len(s.Outside) == 3 })
	if st.External != nattest.WAN || st.Source != SourceGateway || st.Reflexive != nattest.WAN {
		t.Errorf("external: got %v by %q, reflexive %v", st.External, st.Source, st.Reflexive)
	}
	one.Tell(netip.AddrPortFrom(wanC, 1))
	two.Tell(netip.AddrPortFrom(wanC, 2))
	r.SetExternal(wanC)
	waitFor(ctx, t, d, func(s *Status) bool { return s.External == wanC })
	described := r.Asked("GET")
	r.Reboot(t)
	waitFor(ctx, t, d, func(s *Status) bool { return s.Gateway != nil && r.Asked("GET") > described })
	stop()
	if n := r.Len(); n != 0 {
		t.Errorf("at the end the router has %d mappings", n)
	}
}

// waitFor waits for a Status.
func waitFor(ctx context.Context, t *testing.T, d *Discovery, ok func(*Status) bool) *Status {
	t.Helper()
	for {
		changed := d.Changed()
		if s := d.Status(); ok(s) {
			return s
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("last seen: %+v", *d.Status())
		}
	}
}

// runs runs a Discovery for a minute at most, or until stop.
func runs(t *testing.T, cfg Config) (d *Discovery, ctx context.Context, stop func()) {
	t.Helper()
	d = New(cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return d, ctx, stop
}

// mapperHome is a home whose router speaks PCP and NAT-PMP.
func mapperHome(t *testing.T, r *nattest.Router, m *nattest.Mapper) Config {
	cfg := testConfig()
	cfg.Methods, cfg.LastPassive, cfg.StateDir = []gateway.Method{gateway.PCP, gateway.NATPMP}, 50002, t.TempDir()
	cfg.CheckInterval = 150 * time.Millisecond
	cfg.TryHairpin = func(context.Context, netip.AddrPort) error { return syscall.ECONNREFUSED }
	cfg.Announcements = func(ctx context.Context, _ string, _ netip.Addr, _ func(gateway.Reason)) error {
		<-ctx.Done()
		return nil
	}
	cfg.Network = func() (route.Network, error) {
		return route.Network{Interface: "lo", Local: r.Address(), Router: r.Address(), LANs: nattest.LANs}, nil
	}
	secret := pcp.Secret{7}
	cfg.Discover = func(ctx context.Context, n Network, method gateway.Method) (gateway.Client, error) {
		at := m.Address()
		if method == gateway.PCP {
			return orNone(pcp.Probe(ctx, pcp.Config{Gateway: at.Addr(), Port: at.Port(), Local: n.Local, Secret: secret}))
		}
		return orNone(natpmp.Discover(ctx, natpmp.Config{Gateway: at.Addr(), Port: at.Port(), Local: n.Local}))
	}
	return cfg
}

func TestFakeRoutersOfPCPAndNATPMP(t *testing.T) {
	for _, method := range []gateway.Method{gateway.PCP, gateway.NATPMP} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			r := nattest.Start(t)
			m := nattest.StartMapper(t, r)
			m.Behave(func(b *nattest.MapperBehaviour) { b.NoPCP = method == gateway.NATPMP })
			d, ctx, stop := runs(t, mapperHome(t, r, m))
			st := waitFor(ctx, t, d, func(s *Status) bool { return s.Verdict == Reachable && len(s.Outside) == 3 })
			if st.External != nattest.WAN || st.Gateway.Method != method {
				t.Errorf("external %v by %s", st.External, st.Gateway.Method)
			}
			r.SetExternal(wanC)
			waitFor(ctx, t, d, func(s *Status) bool { return s.External == wanC })
			stop()
			if n := r.Len(); n != 0 {
				t.Errorf("at the end the router has %d mappings", n)
			}
		})
	}
}

// Over IPv6 PCP opens the firewall: asked at the router's IPv6 address, from ours. The
// fake lives at ::1, which the loop takes for nobody's on the internet.
func TestFakeRouterOpensPinholesByPCP(t *testing.T) {
	for name, keeps := range map[string]bool{"and closes them": false, "and lets them run out": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := nattest.Start(t)
			m := nattest.StartMapper(t, r)
			m.Behave(func(b *nattest.MapperBehaviour) { b.LongestLease = 2 * time.Minute })
			at := m.ListenIPv6(t)
			client, err := pcp.Probe(t.Context(), pcp.Config{Gateway: m.Address().Addr(), Port: m.Address().Port(), Gateway6: at, Secret: pcp.Secret{7}})
			if err != nil {
				t.Fatal(err)
			}
			c := newCore(testConfig(), journal{})
			c.gw.found, c.gw.identity = true, client.Device()
			c.pinholes.list = []pinhole{{internal: netip.AddrPortFrom(at.Addr(), 2121), again: true}}
			c.attachPinholes([]finding{{method: gateway.PCP, client: client}}, time.Now())
			for _, check := range []bool{false, true} {
				ask := c.askFor(&c.pinholes.list[0])
				ask.check = check
				ask.do(t.Context(), c.cfg).apply(c, time.Now())
			}
			if holes := r.Pinholes(); len(holes) != 1 {
				t.Fatalf("the router lets through to %v, want one", holes)
			}
			m.Behave(func(b *nattest.MapperBehaviour) { b.NoRemoval = keeps })
			d := &Discovery{cfg: c.cfg, core: c}
			if left := d.close(t.Context(), c, c.leavePinholes()); len(left) != 0 {
				t.Errorf("left for the next start: %+v", left)
			}
			if keeps {
				r.Advance(2 * time.Minute)
			}
			if holes := r.Pinholes(); len(holes) != 0 {
				t.Errorf("the router lets through to %v", holes)
			}
		})
	}
}
