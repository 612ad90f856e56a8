//go:build linux

package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"natftpd/integration/lab"
)

// IPv6 needs no translation, but the router's firewall lets in only what a host has
// asked for.
func TestIPv6Pinholes(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{UPnP: lab.IGD2, IPv6: true})
	s := serve(t, l.Server, 2121, l.STUN)
	var want []netip.AddrPort
	for _, rule := range rulesFor(s.port) {
		want = append(want, netip.AddrPortFrom(lab.ServerPublic6, rule.External))
	}
	lab.Await(t, mappedWithin, func() error { return pinholesAre(t, l.Router, want) })
	testIPv6Control(t, l.Internet, s.at(lab.ServerPublic6))
	testClients(t, l.Internet, s, lab.ServerPublic6, epsv)
	if err := rulesAre(t, l.Router, rulesFor(s.port)); err != nil {
		t.Error(err)
	}
	s.stop(t)
	if err := pinholesAre(t, l.Router, nil); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func pinholesAre(t *testing.T, r *lab.Router, want []netip.AddrPort) error {
	t.Helper()
	if got := r.Pinholes(t); !slices.Equal(got, want) {
		return fmt.Errorf("the router's pinholes: got %v, want %v", got, want)
	}
	return nil
}
