package natdiscovery

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

// afterARun is a home in which an earlier run was killed: it left two mappings, of
// which the second is not wanted any more.
func afterARun(t *testing.T, change func(*home)) (*home, store) {
	var dir store
	h := live(t, func(h *home, c *Config) {
		c.StateDir = t.TempDir()
		dir = store(c.StateDir)
		var j journal
		for _, port := range []uint16{2121, 55555} {
			m := gateway.Mapping{Granted: time.Now(), Lifetime: time.Hour, Request: gateway.Request{
				Internal: netip.AddrPortFrom(lanA, port), External: port, Lease: time.Hour, Description: "natftpd",
			}}
			h.router.table[port] = entry{m.Internal, m.Expires()}
			j.mappings = append(j.mappings, remnant{h.router.device, gateway.UPnP, m})
		}
		if err := dir.save(j); err != nil {
			t.Fatal(err)
		}
		change(h)
	})
	return h, dir
}

func TestEndBeforeTheGatewayIsFoundLeavesNothingOfTheLastRun(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 0, "during the search": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, dir := afterARun(t, func(*home) {})
				time.Sleep(after)
				if took := h.stop(); took > leaveTimeout {
					t.Errorf("Run ended after %v", took)
				}
				if got := h.lists(); got != "" {
					t.Errorf("the router lists %q", got)
				}
				if j := dir.load(failOnLog(t)); len(j.mappings) != 0 {
					t.Errorf("the journal still has %v", j.mappings)
				}
				if got := h.log.String(); !strings.Contains(got, `msg="mappings removed from the gateway" count=2`) {
					t.Errorf("the log does not tell:\n%s", got)
				}
			})
		})
	}
}

func TestEndWithoutAGatewayTellsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, dir := afterARun(t, func(h *home) { h.delay = time.Hour })
		if took := h.stop(); took > leaveTimeout {
			t.Errorf("Run ended after %v, want at most %v", took, leaveTimeout)
		}
		if j := dir.load(failOnLog(t)); len(j.mappings) != 2 {
			t.Errorf("the journal has %v, want both", j.mappings)
		}
		const want = `level=WARN msg="gateway not found: mappings stay until their leases end, or the next start removes them" count=2`
		if got := h.log.String(); strings.Count(got, want) != 1 {
			t.Errorf("the log does not tell once:\n%s", got)
		}
	})
}

func TestEndWithNothingLeftSearchesForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t, func(h *home, _ *Config) { h.delay = time.Hour })
		if took := h.stop(); took >= lastSearch {
			t.Errorf("Run ended after %v, want it sooner than a search", took)
		}
	})
}

func TestEndDuringALossSearchesOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live(t)
		h.after(2 * time.Minute)
		h.change(func() { h.router.off = true })
		h.after(10 * time.Minute)
		if h.Status().Gateway != nil {
			t.Fatal("the gateway was not lost")
		}
		h.change(func() { h.router.off = false })
		h.stop()
		if got := h.lists(); got != "" {
			t.Errorf("the router lists %q", got)
		}
	})
}
