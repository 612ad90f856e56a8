package stun

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"natftpd/natdiscovery/nattest"
)

func TestRoutersOf(t *testing.T) {
	home, second, carrier := netip.MustParseAddr("192.168.77.1"), netip.MustParseAddr("192.168.178.1"), netip.MustParseAddr("100.64.0.1")
	var unknown netip.Addr
	silent, arrived := hop{}, hop{arrived: true}
	at := func(a netip.Addr) hop { return hop{router: a} }
	for _, tt := range []struct {
		name string
		hops []hop
		want []netip.Addr
	}{
		{"all speak", []hop{at(home), at(second), at(carrier)}, []netip.Addr{home, second, carrier}},
		{"none speaks", []hop{silent, silent, silent}, nil},
		{"the last ones are silent", []hop{at(home), silent, silent}, []netip.Addr{home}},
		{"the first one is silent", []hop{silent, at(carrier), silent}, []netip.Addr{unknown, carrier}},
		{"the first two are silent", []hop{silent, silent, at(carrier)}, []netip.Addr{unknown, unknown, carrier}},
		{"the server is near", []hop{at(home), arrived, arrived}, []netip.Addr{home}},
		{"the server is in the LAN", []hop{arrived, arrived, arrived}, nil},
		{"nobody stands behind the server", []hop{at(home), arrived, at(carrier)}, []netip.Addr{home}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := routersOf(tt.hops); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTraceAsksTheFirstServerThatIsResolvedOnceAHop(t *testing.T) {
	first, second := nattest.StartSTUN(t, seen), nattest.StartSTUN(t, seen)
	got, err := Trace(t.Context(), Config{Servers: []string{"no port", first.Address().String(), second.Address().String()}})
	if len(got) != 0 || err != nil {
		t.Errorf("to this host itself: got %v, %v, want no routers", got, err)
	}
	if n := first.Asked(); n > farthest || second.Asked() != 0 {
		t.Errorf("asked %d and %d times, want %d and 0", n, second.Asked(), farthest)
	}
}

func TestTraceRepeatsOnceInSilence(t *testing.T) {
	s := nattest.StartSTUN(t, seen)
	s.Misbehave(nattest.STUNSilent)
	got, err := Trace(t.Context(), Config{Servers: []string{s.Address().String()}, Timeout: quick})
	if len(got) != 0 || err != nil {
		t.Errorf("got %v, %v, want no routers", got, err)
	}
	if n := s.Asked(); n > farthest*tries {
		t.Errorf("asked %d times, want %d at most", n, farthest*tries)
	}
}

func TestTraceSaysWhyItCannotAsk(t *testing.T) {
	if _, err := Trace(t.Context(), Config{}); err == nil || err.Error() != "trace the way to the internet: there is no STUN server to ask" {
		t.Errorf("without a server: got %v", err)
	}
	nowhere := func(context.Context, string, string) ([]netip.Addr, error) { return nil, errSilent }
	if _, err := Trace(t.Context(), Config{Servers: []string{"a.example:3478"}, Lookup: nowhere}); !errors.Is(err, errSilent) {
		t.Errorf("without a name server: got %v, want %v", err, errSilent)
	}
}
