package natdiscovery

import (
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

// A router may let nobody remove what leads to an address that we had: then its
// leases are waited for.
func TestMappingsThatOutliveOurAddress(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method gateway.Method
		dies   bool // natftpd, before the address changes
		until  string
	}{
		{"by UPnP, while we run", gateway.UPnP, false, "13:00"},
		{"by UPnP, after a crash", gateway.UPnP, true, "13:00"},
		{"by PCP", gateway.PCP, false, "12:29"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t, journalled(t), by(tt.method))
			s.router.method = tt.method
			s.until(10 * time.Minute)
			s.router.deny = denies("unmap", gateway.ErrRefused, 0, 65535)
			s.place.Local = lanB
			if tt.dies {
				s.dies()
			} else {
				s.tell(networkChanged{})
			}
			got := s.after(20 * time.Second)
			if want := "wait until 2026-07-01 " + tt.until + " UTC at the latest, when the leases of TCP 2121, 50000-50009 to this host's former address 192.168.77.10 end"; got.Verdict != GatewayRefuses || !strings.HasPrefix(got.Advice, want) {
				t.Errorf("got %q, %q, want %q", got.Verdict, got.Advice, want)
			}
			if len(got.Inside) != 10 {
				t.Errorf("the LAN is told %v, want all ports", got.Inside)
			}
			if s.until(time.Hour + 2*time.Minute); s.status().Advice != "" {
				t.Errorf("after the leases: %q", s.status().Advice)
			}
			s.wants(wanA, Reachable, allPassive)
			if len(s.core.former) != 0 {
				t.Errorf("still remembered: %v", s.core.former)
			}
		})
	}
}

func TestLeaseThatMayHaveBeenRenewedCountsFromNow(t *testing.T) {
	s := newStory(t, journalled(t))
	s.until(40 * time.Minute) // renewed, which the journal does not tell
	s.router.deny = denies("unmap", gateway.ErrRefused, 0, 65535)
	s.place.Local = lanB
	s.dies()
	if got, want := s.after(20*time.Second).Advice, "wait until 2026-07-01 13:40 UTC at the latest"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
