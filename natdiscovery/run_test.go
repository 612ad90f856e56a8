package natdiscovery

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/pcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
			`level=INFO msg="passive ports asked for" open=50000-50009 not_open=""`,
			`level=INFO msg="external address changed" old=11.22.0.2 external=11.22.0.3 source=gateway`,
			`level=WARN msg=reachability verdict=reachable advice="TCP 50003 of the passive ports are left out`,
			`level=INFO msg=reachability verdict=reachable`,
			`level=WARN msg="gateway lost, looking for it"`,
			`level=WARN msg=reachability verdict="no gateway"`,
			`level=WARN msg=reachability verdict="forwarded by hand"`,
			`level=INFO msg="gateway found"`,
			`level=INFO msg=reachability verdict=reachable`,
			`level=INFO msg="passive ports asked for" open=50000-50009 not_open=""`,
			`level=INFO msg="mappings removed from the gateway" count=11`,
		)
	})
}

// Each port that a former address still has changes the advice.
func TestLogTellsOfAllPortsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t, func(h *home, c *Config) { h.router.method, c.Methods = gateway.PCP, []gateway.Method{gateway.PCP} })
		h.after(5 * time.Minute)
		for _, local := range []netip.Addr{lanB, lanA} {
			h.change(func() { h.place.Local = local })
			h.moved <- struct{}{}
			h.after(time.Minute)
		}
		h.stop()
		wantLog(t, h.log.String(),
			`level=INFO msg="network read"`,
			`level=INFO msg="external address learnt" external=11.22.0.2`,
			`level=INFO msg="gateway found"`,
			`level=INFO msg=reachability verdict=reachable`,
			`level=INFO msg="passive ports asked for" open=50000-50009 not_open=""`,
			`level=INFO msg="network read" interface=eth0 local=192.168.77.33`,
			`level=WARN msg="gateway lost, looking for it"`,
			`level=INFO msg="gateway found"`,
			`level=WARN msg=reachability verdict="gateway refuses" advice="wait until`,
			`level=INFO msg="passive ports asked for" open="" not_open=50000-50009`,
			`level=WARN msg=reachability verdict="gateway refuses" advice="wait until`,
			`level=INFO msg="network read" interface=eth0 local=192.168.77.10`,
			`level=WARN msg="gateway lost, looking for it"`,
			`level=INFO msg="gateway found"`,
			`level=INFO msg=reachability verdict=reachable`,
			`level=INFO msg="passive ports asked for" open=50000-50009 not_open=""`,
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

func TestDefaultsAskThisHostsNetwork(t *testing.T) {
	cfg := Config{STUNServers: []string{"127.0.0.1:1"}}.withDefaults(pcp.Secret{1})
	if cfg.Discover == nil || cfg.WatchNetwork == nil || cfg.CheckInterval != 15*time.Second || cfg.Description != "natftpd" {
		t.Errorf("got %+v", cfg)
	}
	if _, err := cfg.Network(); err != nil {
		t.Errorf("read the network: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := cfg.AskSTUN(ended); len(got) != 1 || got[0].Server != "127.0.0.1:1" {
		t.Errorf("ask STUN: got %v", got)
	}
	if got, err := cfg.LookupHost(t.Context(), "127.0.0.1"); err != nil || len(got) != 1 {
		t.Errorf("look up: got %v, %v", got, err)
	}
	if off := (Config{}).withDefaults(pcp.Secret{1}); off.AskSTUN != nil {
		t.Error("STUN is on without servers")
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
