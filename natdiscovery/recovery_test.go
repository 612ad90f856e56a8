package natdiscovery

import (
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Hosts that ask for everything at the same moment overwhelm a weak router (RFC 6887,
// section 14.1.3), and clients wait for each second of the pause.
func TestRecoveryIsSpreadAndSoon(t *testing.T) {
	const drawn = 0.9
	pause := time.Duration(drawn * float64(maxStagger))
	for name, restarts := range map[string]bool{"of a gateway that forgot": false, "of one that was away": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := live(t, func(h *home, c *Config) {
					h.router.method = gateway.PCP
					c.Methods, c.Random = []gateway.Method{gateway.PCP}, func() float64 { return drawn }
				})
				h.after(2 * time.Minute)
				h.change(func() {
					clear(h.router.table)
					h.router.off = restarts
					if !restarts {
						h.router.forgot = time.Now()
					}
				})
				if restarts {
					h.after(time.Minute)
					h.change(func() { h.router.off = false })
				}
				returned := time.Now()
				for h.Status().Gateway == nil || h.Status().Gateway.Forgot.IsZero() && !restarts {
					h.after(10 * time.Millisecond)
				}
				noticed := time.Now()
				h.after(time.Until(returned.Add(10 * time.Second)))
				if got := h.lists(); got != "2121, 50000-50009" {
					t.Errorf("10 s after its return the router lists %q", got)
				}
				h.stop()
				for _, q := range h.router.asked {
					if q.what != "map" || q.at.Before(returned) || q.at.After(noticed.Add(pause-10*time.Millisecond)) {
						continue
					}
					t.Errorf("asked for port %d %v after the loss was noticed, want a pause of %v", q.port, q.at.Sub(noticed), pause)
				}
			})
		})
	}
}

// Some tell an epoch of zero for ever, or a random one.
func TestGatewayThatMiscountsItsEpochIsNotFloodedWithRequests(t *testing.T) {
	for _, method := range []gateway.Method{gateway.PCP, gateway.NATPMP} {
		t.Run(string(method), func(t *testing.T) {
			s := newStory(t, by(method))
			s.router.method = method
			s.until(2 * time.Minute)
			s.watch = func(Status) { s.router.forgot = s.now }
			s.after(2 * time.Minute)
			began := s.now
			s.after(30 * time.Minute)
			s.wants(wanA, Reachable, allPassive)
			if got := s.router.busiest(began); got > 12+11 {
				t.Errorf("busiest minute: got %d requests, want each port asked for once more at most", got)
			}
			s.watch = nil
			clear(s.router.table)
			s.after(5 * time.Minute)
			if got := s.router.lists(lanA); got != "2121, 50000-50009" {
				t.Errorf("5 minutes after a real loss the router lists %q", got)
			}
		})
	}
}
