package natdiscovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

// measured makes the way to the internet one that can be measured.
func measured(t *testing.T, mtu *int, loops *error) (*story, map[string]int) {
	count := map[string]int{}
	s := newStory(t, func(c *Config) {
		c.PathMTU = func(_ context.Context, iface string) (int, bool, error) {
			count["MTU of "+iface]++
			return *mtu, *mtu != 0, nil
		}
		c.Behaviour = func(context.Context) (stun.NATBehaviour, error) {
			count["UDP"]++
			return stun.NATBehaviour{Mapping: stun.EndpointIndependent, PortPreserved: true}, nil
		}
		c.TryHairpin = func(_ context.Context, target netip.AddrPort) error {
			count["hairpin of "+target.String()]++
			return *loops
		}
	})
	return s, count
}

func TestWayToTheInternetIsMeasured(t *testing.T) {
	mtu, loops := 1492, error(nil)
	s, count := measured(t, &mtu, &loops)
	if s.status().Probing {
		t.Error("probing before anything is known")
	}
	got := s.until(10 * time.Second)
	if got.PathMTU != 1492 || got.UDPMapping != stun.EndpointIndependent || !got.UDPPortPreserved || got.Hairpin != HairpinYes || got.Probing {
		t.Errorf("got %+v", got)
	}
	s.until(5 * time.Hour)
	if want := map[string]int{"MTU of eth0": 1, "UDP": 1, "hairpin of 11.22.0.2:2121": 1}; fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("in quiet hours: got %v, want %v", count, want)
	}
	mtu, loops = 1400, syscall.ECONNREFUSED
	s.router.external, s.reflexive = wanB, wanB
	got = s.after(20 * time.Second)
	if got.PathMTU != 1400 || got.Hairpin != HairpinNo || count["hairpin of 11.22.0.3:2121"] != 1 {
		t.Errorf("after a change of the address: MTU %d, hairpin %s, %v", got.PathMTU, got.Hairpin, count)
	}
	mtu = 1300
	s.moves()
	if got := s.after(20 * time.Second); got.PathMTU != 1300 {
		t.Errorf("in another network: MTU %d, want 1300", got.PathMTU)
	}
	mtu = 1280
	if got := s.after(probeEvery + time.Hour); got.PathMTU != 1280 {
		t.Errorf("hours later: MTU %d, want 1280", got.PathMTU)
	}
}

func TestMeasurementWithoutResultIsRepeatedSeldom(t *testing.T) {
	mtu, loops := 0, error(errors.New("no socket"))
	s, count := measured(t, &mtu, &loops)
	s.until(3 * time.Hour)
	if got := s.status(); got.PathMTU != 0 || got.Hairpin != HairpinUnknown || got.Probing {
		t.Errorf("got MTU %d, hairpin %q, probing %v", got.PathMTU, got.Hairpin, got.Probing)
	}
	if n, m := count["MTU of eth0"], count["hairpin of 11.22.0.2:2121"]; n < 5 || n > 7 || m < 5 || m > 7 {
		t.Errorf("got %d and %d measurements in three hours, want one in %v", n, m, probeAgain)
	}
	mtu = 1492
	s.after(time.Hour)
	mtu = 0
	if got := s.after(probeEvery + time.Hour).PathMTU; got != 1492 {
		t.Errorf("MTU: got %d, want the last that was measured", got)
	}
}

func TestHairpinIsTriedByAVerifiedPortOnly(t *testing.T) {
	mtu, loops := 0, error(nil)
	s, count := measured(t, &mtu, &loops)
	s.router.deny = denies("map", gateway.ErrRefused, 2121, 2121)
	s.until(time.Hour)
	if n := count["hairpin of 11.22.0.2:2121"]; n != 0 || s.status().Hairpin != HairpinUnknown {
		t.Errorf("tried %d times, %q", n, s.status().Hairpin)
	}
}

func TestNothingIsMeasuredWithoutTheInternet(t *testing.T) {
	mtu, loops := 1492, error(nil)
	s, count := measured(t, &mtu, &loops)
	s.router.off, s.reflexive = true, nobody
	s.until(time.Hour)
	if len(count) != 0 {
		t.Errorf("measured %v", count)
	}
}

func TestHairpinOf(t *testing.T) {
	dialled := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for _, tt := range []struct {
		name string
		err  error
		want Hairpin
	}{
		{"it was accepted", nil, HairpinYes},
		{"it was refused", dialled(os.NewSyscallError("connect", syscall.ECONNREFUSED)), HairpinNo},
		{"it was not answered", dialled(context.DeadlineExceeded), HairpinNo},
		{"it was not answered for the kernel's time", dialled(os.NewSyscallError("connect", syscall.ETIMEDOUT)), HairpinNo},
		{"we were about to end", dialled(context.Canceled), HairpinUnknown},
		{"there was no route", dialled(os.NewSyscallError("connect", syscall.ENETUNREACH)), HairpinUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := hairpinOf(tt.err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDialIsHairpinsDefault(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := l.Addr().(*net.TCPAddr).AddrPort()
	if got := hairpinOf(dial(t.Context(), target)); got != HairpinYes {
		t.Errorf("somebody listens: got %q", got)
	}
	l.Close()
	if got := hairpinOf(dial(t.Context(), target)); got != HairpinNo {
		t.Errorf("nobody listens: got %q", got)
	}
}
