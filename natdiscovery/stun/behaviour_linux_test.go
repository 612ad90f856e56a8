package stun

import (
	"net/netip"
	"testing"

	"natftpd/natdiscovery/nattest"
)

// operators starts fake servers at loopback addresses of their own, which Linux
// has without being asked, and returns how to reach them.
func operators(t *testing.T, reflexive ...netip.AddrPort) (servers []string, fakes []*nattest.STUN) {
	t.Helper()
	for i, r := range reflexive {
		s := nattest.StartSTUNAt(t, netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)}), r)
		servers, fakes = append(servers, s.Address().String()), append(fakes, s)
	}
	return servers, fakes
}

func TestBehaviour(t *testing.T) {
	port := func(p uint16) netip.AddrPort { return netip.AddrPortFrom(seen.Addr(), p) }
	const ours = 0
	tests := []struct {
		name      string
		told      []netip.AddrPort
		want      Mapping
		preserved bool
	}{
		{"all see the local port", []netip.AddrPort{port(ours), port(ours)}, EndpointIndependent, true},
		{"all see another port", []netip.AddrPort{port(5), port(5), port(5)}, EndpointIndependent, false},
		{"each sees another port", []netip.AddrPort{port(5), port(6), port(7)}, AddressDependent, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			servers, fakes := operators(t, tt.told...)
			got, err := Behaviour(t.Context(), Config{Servers: servers})
			if err != nil || got.Mapping != tt.want || got.PortPreserved != tt.preserved {
				t.Errorf("got %q, preserved %v, %v, want %q, %v", got.Mapping, got.PortPreserved, err, tt.want, tt.preserved)
			}
			for i, f := range fakes {
				if f.Asked() > 2 {
					t.Errorf("server %d was asked %d times, want 2", i, f.Asked())
				}
			}
		})
	}
}

func TestBehaviourDoesWithoutAServerThatIsDown(t *testing.T) {
	t.Parallel()
	servers, fakes := operators(t, netip.AddrPortFrom(seen.Addr(), 0), seen, netip.AddrPortFrom(seen.Addr(), 0))
	fakes[1].Misbehave(nattest.STUNSilent)
	got, err := Behaviour(t.Context(), Config{Servers: servers, Timeout: quick})
	if err != nil || got.Mapping != EndpointIndependent || !got.PortPreserved {
		t.Errorf("got %q, preserved %v, %v, want %q, true", got.Mapping, got.PortPreserved, err, EndpointIndependent)
	}
	if a := got.Answers[1]; a.Server != servers[1] || a.Err == nil {
		t.Errorf("got %+v of the server that is down, want its error", a)
	}
}
