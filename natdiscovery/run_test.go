package natdiscovery

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
	"natftpd/natdiscovery/route"
	"natftpd/natdiscovery/stun"
	"natftpd/natdiscovery/upnp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// home is a Discovery that runs in a synctest bubble, with a router that takes its
// time.
type home struct {
	*Discovery
	moved chan struct{}        // tells the watch
	log   bytes.Buffer         // to be read after stop
	stop  func() time.Duration // ends Run and says how long that took

	mu        sync.Mutex
	router    *router
	reflexive netip.Addr
	place     route.Network
	delay     time.Duration // of each request to the router, which its context ends
}

// live starts a home with a router that answers after 100 ms.
func live(t *testing.T, change ...func(*home, *Config)) *home {
	h := &home{router: newRouter(time.Now), reflexive: wanA, delay: 100 * time.Millisecond, moved: make(chan struct{})}
	h.place = route.Network{Interface: "eth0", Local: lanA, Router: h.router.device.Address}
	cfg := testConfig()
	cfg.Log = slog.New(slog.NewTextHandler(&h.log, nil))
	cfg.Discover = func(ctx context.Context, n Network) (gateway.Client, error) {
		if err := h.wait(ctx); err != nil {
			return nil, err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		c, err := h.router.discover(n.Local)
		return &slowClient{c, h}, err
	}
	cfg.AskSTUN = func(context.Context) (answers []stun.Answer) {
		time.Sleep(50 * time.Millisecond)
		h.change(func() { answers = agreeing(h.reflexive) })
		return answers
	}
	cfg.Network = func() (n route.Network, err error) {
		h.change(func() { n = h.place })
		return n, nil
	}
	cfg.WatchNetwork = func(ctx context.Context, changed func()) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-h.moved:
				changed()
			}
		}
	}
	for _, c := range change {
		c(h, &cfg)
	}
	h.Discovery = New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	h.stop = func() time.Duration {
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		return time.Since(began)
	}
	return h
}

// after lets time go by.
func (h *home) after(d time.Duration) *Status {
	time.Sleep(d)
	synctest.Wait()
	return h.Status()
}

// change changes the home; nothing reads it meanwhile.
func (h *home) change(what func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what()
}

func (h *home) wait(ctx context.Context) error {
	var delay time.Duration
	h.change(func() { delay = h.delay })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(delay):
		return nil
	}
}

// slowClient maps at once, and answers late or never.
type slowClient struct {
	gateway.Client
	h *home
}

func (c *slowClient) ExternalAddress(ctx context.Context) (addr netip.Addr, err error) {
	c.h.change(func() { addr, err = c.Client.ExternalAddress(ctx) })
	return addr, errors.Join(err, c.h.wait(ctx))
}

func (c *slowClient) Map(ctx context.Context, q gateway.Request) (m gateway.Mapping, err error) {
	c.h.change(func() { m, err = c.Client.Map(ctx, q) })
	return m, errors.Join(err, c.h.wait(ctx))
}

func (c *slowClient) Check(ctx context.Context, m gateway.Mapping) (err error) {
	c.h.change(func() { err = c.Client.Check(ctx, m) })
	return errors.Join(err, c.h.wait(ctx))
}

func (c *slowClient) Unmap(ctx context.Context, m gateway.Mapping) (err error) {
	c.h.change(func() { err = c.Client.Unmap(ctx, m) })
	return errors.Join(err, c.h.wait(ctx))
}

// lists is what the router lists for us.
func (h *home) lists() (ports string) {
	h.change(func() { ports = h.router.lists(lanA) })
	return ports
}

func TestRunOpensPortsAndRemovesThemAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		got := h.after(3 * time.Second)
		if got.Verdict != Reachable || got.External != wanA || ranges(got.Outside) != allPassive {
			t.Errorf("after 3 s: %v, %q, outside %s", got.External, got.Verdict, ranges(got.Outside))
		}
		if got := h.lists(); got != "2121, 50000-50009" {
			t.Errorf("while it runs the router lists %q", got)
		}
		h.stop()
		if got := h.lists(); got != "" {
			t.Errorf("at the end the router lists %q", got)
		}
	})
}

func TestEndDuringARequestLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		h.after(800 * time.Millisecond)
		h.change(func() { h.delay = 2 * time.Second })
		h.after(time.Second)
		h.change(func() { h.delay = 0 })
		if h.lists() == "" {
			t.Fatal("no request was under way")
		}
		h.stop()
		if got := h.lists(); got != "" {
			t.Errorf("at the end the router lists %q", got)
		}
	})
}

func TestDeadRouterDoesNotHoldTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		h.after(time.Minute)
		h.change(func() { h.delay = time.Hour })
		if took := h.stop(); took > leaveTimeout {
			t.Errorf("Run ended after %v, want at most %v", took, leaveTimeout)
		}
		if got := h.log.String(); !strings.Contains(got, `level=WARN msg="mappings left on the gateway" count=11`) {
			t.Errorf("the log does not tell what was left:\n%s", got)
		}
	})
}

func TestSearchThatHangsDelaysNoSTUN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t, func(h *home, _ *Config) { h.delay = time.Hour })
		if got := h.after(time.Second).External; got != wanA {
			t.Errorf("external: got %v, want %v", got, wanA)
		}
		h.stop()
	})
}

func TestChangedIsClosedByChangesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		h.after(time.Minute)
		changed, before := h.Changed(), h.Status()
		now := h.after(2 * time.Hour)
		select {
		case <-changed:
			t.Error("closed although nothing changed")
		default:
		}
		if !now.Confirmed.After(before.Confirmed) || !now.Control.Expires.After(before.Control.Expires) {
			t.Error("the Status was not confirmed and renewed meanwhile")
		}
		h.change(func() { h.router.external, h.reflexive = wanB, wanB })
		<-changed
		if got := h.Status().External; got != wanB {
			t.Errorf("external: got %v, want %v", got, wanB)
		}
		h.stop()
	})
}

func TestNewsOfTheNetworkIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		h.after(30 * time.Second)
		h.change(func() { h.place.Local = lanB })
		h.moved <- struct{}{}
		if got := h.after(5 * time.Second).Network.Local; got != lanB {
			t.Errorf("local: got %v, want %v", got, lanB)
		}
		h.stop()
	})
}

func TestWatchThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watches := 0
		h := live(t, func(_ *home, cfg *Config) {
			cfg.WatchNetwork = func(context.Context, func()) error {
				watches++
				return errors.New("no buffer space")
			}
		})
		h.after(10*time.Minute + time.Second)
		if watches != 11 {
			t.Errorf("watches: got %d, want one a minute", watches)
		}
		h.stop()
	})
}

func TestLogTellsEachThingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		h.after(5 * time.Hour)
		h.change(func() { h.router.external, h.reflexive = wanB, wanB })
		h.after(time.Hour)
		h.change(func() { h.router.table[50003] = entry{internal: netip.MustParseAddrPort("192.168.77.99:50003")} })
		h.after(time.Hour)
		h.change(func() { delete(h.router.table, 50003) })
		h.after(time.Hour)
		h.change(func() { h.router.off = true })
		h.after(4 * time.Hour)
		h.change(func() { h.router.off = false })
		h.after(time.Hour)
		h.stop()
		wantLog(t, h.log.String(),
			`level=INFO msg="network read"`,
			`level=INFO msg="external address learnt" external=11.22.0.2`,
			`level=INFO msg="gateway found"`,
			`level=INFO msg=reachability verdict=reachable`,
			`level=INFO msg="external address changed" old=11.22.0.2 external=11.22.0.3 source=gateway`,
			`level=WARN msg=reachability verdict=reachable advice="TCP 50003 of the passive ports are left out`,
			`level=INFO msg=reachability verdict=reachable`,
			`level=WARN msg="gateway lost, looking for it"`,
			`level=WARN msg=reachability verdict="no gateway"`,
			`level=WARN msg=reachability verdict="forwarded by hand"`,
			`level=INFO msg="gateway found"`,
			`level=INFO msg=reachability verdict=reachable`,
			`level=INFO msg="mappings removed from the gateway" count=11`,
		)
	})
}

// wantLog compares the log line by line, by the words that matter.
func wantLog(t *testing.T, log string, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(log), "\n")
	for i, line := range lines {
		if i >= len(want) || !strings.Contains(line, want[i]) {
			t.Errorf("line %d: %s", i+1, line)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("got %d lines, want %d", len(lines), len(want))
	}
}

func TestFakeHomeNetwork(t *testing.T) {
	r := nattest.Start(t)
	one := nattest.StartSTUN(t, netip.AddrPortFrom(nattest.WAN, 1))
	two := nattest.StartSTUN(t, netip.AddrPortFrom(nattest.WAN, 2))
	cfg := testConfig()
	cfg.CheckInterval = 150 * time.Millisecond
	cfg.Network = func() (route.Network, error) {
		return route.Network{Interface: "lo", Local: r.Address(), Router: r.Address(), LANs: nattest.LANs}, nil
	}
	cfg.Discover = func(ctx context.Context, n Network) (gateway.Client, error) {
		return upnp.Discover(ctx, upnp.Config{Local: n.Local, LANs: n.LANs, Search: []netip.AddrPort{r.Search()}})
	}
	cfg.AskSTUN = func(ctx context.Context) []stun.Answer {
		answers := stun.Ask(ctx, stun.Config{Servers: []string{one.Address().String(), two.Address().String()}})
		// Two operators on one loopback.
		answers[1].Server, answers[1].Addr = "two.example:3478", netip.MustParseAddrPort("127.0.0.2:3478")
		return answers
	}
	d := New(cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()

	st := waitFor(ctx, t, d, func(s *Status) bool { return s.Verdict == Reachable && len(s.Outside) == 10 })
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
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
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

func TestNewKnowsNothingAndIsReadable(t *testing.T) {
	d := New(testConfig())
	s := d.Status()
	if s.External.IsValid() || s.Verdict != VerdictLooking || len(s.Passive) != 10 || len(s.Outside) != 0 || len(s.Inside) != 10 {
		t.Errorf("got %+v", *s)
	}
	select {
	case <-d.Changed():
		t.Error("changed although nothing ran")
	default:
	}
}

func BenchmarkStatus(b *testing.B) {
	d := New(testConfig())
	b.ReportAllocs()
	for b.Loop() {
		s := d.Status()
		if s.External.IsValid() || len(s.Outside) != 0 || s.Verdict != VerdictLooking {
			b.Fatal("not the Status of a Discovery that does not run")
		}
	}
}

func TestReadingTheStatusAllocatesNothing(t *testing.T) {
	d := New(testConfig())
	if n := testing.AllocsPerRun(100, func() { _ = d.Status().External }); n != 0 {
		t.Errorf("allocations: got %v, want 0", n)
	}
}
