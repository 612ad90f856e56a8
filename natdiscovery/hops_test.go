package natdiscovery

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

func TestRoutersBeyondOurs(t *testing.T) {
	home, other := netip.MustParseAddr("192.168.77.1"), netip.MustParseAddr("192.168.77.2")
	tests := []struct {
		name    string
		hops    []netip.Addr
		gateway netip.Addr // that was found; the zero Addr: none
		want    []netip.Addr
	}{
		{"nothing is known", nil, home, nil},
		{"the gateway alone is known", []netip.Addr{home}, home, nil},
		{"the gateway is the first hop", []netip.Addr{home, hopHome, hopCarrier}, home, []netip.Addr{hopHome, hopCarrier}},
		{"no gateway was found", []netip.Addr{home, hopHome}, nobody, []netip.Addr{hopHome}},
		{"the first hop is silent", []netip.Addr{nobody, hopCarrier}, home, []netip.Addr{hopCarrier}},
		{"the gateway is the second hop", []netip.Addr{home, hopHome, hopCarrier}, hopHome, []netip.Addr{hopCarrier}},
		{"the gateway is not on the way", []netip.Addr{home, hopCarrier}, other, nil},
		{"the gateway may not be on the way", []netip.Addr{nobody, hopCarrier}, other, nil},
		{"the way leads through a tunnel", []netip.Addr{other, hopCarrier}, home, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Status{Hops: tt.hops, Network: Network{Router: home}}
			if tt.gateway.IsValid() {
				s.Gateway = &GatewayStatus{Device: gateway.Device{Address: tt.gateway}}
			}
			if got := s.Beyond(); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNothingIsBeyondAnUnknownRouter(t *testing.T) {
	s := Status{Hops: []netip.Addr{nobody, hopCarrier}}
	s.Gateway = &GatewayStatus{Device: gateway.Device{Address: hopHome}}
	if got := s.Beyond(); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

// behindCarrier is a home whose router hides its WAN address, and how often the way
// was traced.
func behindCarrier(t *testing.T, hops *[]netip.Addr) (s *story, count *int) {
	count = new(int)
	s = newStory(t, func(c *Config) {
		c.Trace = func(context.Context) ([]netip.Addr, error) {
			*count++
			return *hops, nil
		}
	})
	s.router.external = nobody
	s.router.deny = denies("map", gateway.ErrNoWAN, 1, 65535)
	return s, count
}

func TestCarrierIsKnownByTheNextRouter(t *testing.T) {
	home := netip.MustParseAddr("192.168.77.1")
	hops := []netip.Addr{home, hopCarrier}
	s, count := behindCarrier(t, &hops)
	var verdicts []Verdict
	s.watch = func(st Status) {
		if len(verdicts) == 0 || verdicts[len(verdicts)-1] != st.Verdict {
			verdicts = append(verdicts, st.Verdict)
		}
	}
	got := s.until(20 * time.Second)
	if want := []Verdict{VerdictLooking, CarrierNAT}; !slices.Equal(verdicts, want) {
		t.Errorf("verdicts: got %q, want %q", verdicts, want)
	}
	if !slices.Equal(got.Hops, hops) || got.HopsSeen.IsZero() || got.Probing {
		t.Errorf("got hops %v, seen %v, probing %v", got.Hops, got.HopsSeen, got.Probing)
	}
	if s.until(5 * time.Hour); *count != 1 {
		t.Errorf("in quiet hours: traced %d times, want once", *count)
	}
	hops = []netip.Addr{home, hopHome}
	s.reflexive = wanB
	if got := s.after(time.Minute); got.Verdict != DoubleNAT || *count != 2 {
		t.Errorf("after a change of the address: %q, traced %d times", got.Verdict, *count)
	}
	hops = nil
	s.moves()
	if got := s.after(time.Minute); len(got.Hops) != 0 || got.Verdict != Reachable {
		t.Errorf("in another network: %q, hops %v, want no word of the former one", got.Verdict, got.Hops)
	}
	if s.after(3 * time.Hour); *count < 7 || *count > 10 {
		t.Errorf("in silence: traced %d times in three hours, want once in %v", *count-2, probeAgain)
	}
}
