package natdiscovery

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

// TestAfterAnyTroubleAllIsWell breaks the home in random ways, mends it, and wants
// everything right again.
func TestAfterAnyTroubleAllIsWell(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s := newStory(t, func(c *Config) { c.ExternalControlPort = 21 })
			for range 12 {
				s.trouble(r)
				calm := time.Duration(r.IntN(300)) * time.Second / time.Duration(1+r.IntN(10))
				s.until(s.now.Sub(s.start) + calm)
			}
			s.mend()
			asked := len(s.router.asked)
			s.until(s.now.Sub(s.start) + 40*time.Minute)
			s.wants(s.reflexive, Reachable, allPassive)
			if got := s.router.lists(s.place.Local); got != "21, 50000-50009" && got != "2121, 50000-50009" {
				t.Errorf("the router lists %q", got)
			}
			if n := len(s.router.asked) - asked; n > 40*12 {
				t.Errorf("%d requests in 40 minutes", n)
			}
		})
	}
}

// trouble changes one thing.
func (s *story) trouble(r *rand.Rand) {
	addrs := []netip.Addr{wanA, wanB, wanC, nobody, netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("100.64.0.2")}
	silence := []error{nil, nil, gateway.ErrProtocol, gateway.ErrGone, errors.New("odd")}
	no := append(silence, gateway.ErrConflict, gateway.ErrRefused, gateway.ErrFull, gateway.ErrNoWAN)
	switch r.IntN(8) {
	case 0:
		s.router.off = !s.router.off
	case 1:
		s.router.reboot()
	case 2:
		s.router.external = addrs[r.IntN(len(addrs))]
	case 3:
		s.reflexive = addrs[r.IntN(4)]
	case 4:
		what, errs := "map", no
		if i := r.IntN(3); i > 0 {
			what, errs = []string{"check", "address"}[i-1], silence
		}
		err := errs[r.IntN(len(errs))]
		s.router.deny = denies(what, err, 0, uint16(50000+r.IntN(10)))
	case 5:
		port := uint16(50000 + r.IntN(10))
		s.router.table[port] = entry{internal: netip.AddrPortFrom(netip.MustParseAddr("192.168.77.99"), port)}
	case 6:
		s.place.Local = []netip.Addr{lanA, lanB}[r.IntN(2)]
		s.tell(networkChanged{})
	case 7:
		s.now = s.now.Add(time.Duration(r.IntN(7200)) * time.Second)
		s.step(nil)
	}
}

// mend makes the home a well one, with one more address change.
func (s *story) mend() {
	s.router.off, s.router.deny = false, nil
	s.router.external, s.reflexive = wanB, wanB
	for port, e := range s.router.table {
		if e.internal.Addr() != s.place.Local {
			delete(s.router.table, port)
		}
	}
}
