//go:build linux

package integration

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"natftpd/integration/lab"
)

const (
	// mappedWithin is when the router must forward everything: eleven ports,
	// asked for one after the other at the pace of weak routers.
	mappedWithin = 60 * time.Second
	// A change of the WAN address is noticed within 5 s where the gateway
	// announces it, within 15 s where it must be asked, and within 35 s where
	// STUN alone tells it.
	eventNoticesWithin = 5 * time.Second
	pollNoticesWithin  = 15 * time.Second
	stunNoticesWithin  = 35 * time.Second
)

// The default configuration behind a router that speaks UPnP: nothing is set by
// hand.
func TestBehindAHomeRouter(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{UPnP: lab.IGD1})
	s := serve(t, l.Server, 2121, l.STUN)

	t.Run("a client on the internet is soon told the WAN address", func(t *testing.T) {
		lab.Await(t, mappedWithin, func() error { return told(l.Internet, s.at(lab.WANAddr), lab.WANAddr) })
	})
	t.Run("the router forwards exactly the control port and the passive range", func(t *testing.T) {
		lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
	})
	t.Run("clients on the internet", func(t *testing.T) {
		testClients(t, l.Internet, s, lab.WANAddr, pasv, epsv, port, eprt, pasvTLS)
	})
	t.Run("clients behind their own NAT", func(t *testing.T) {
		testClients(t, l.Guest, s, lab.WANAddr, pasv, epsv)
	})
	t.Run("24 clients from 24 addresses at once on 10 ports", func(t *testing.T) { testCrowd(t, l, s) })
	t.Run("a neighbour is told the LAN address", func(t *testing.T) {
		mustBeTold(t, l.Neighbour, s.at(lab.ServerAddr), lab.ServerAddr)
		testClients(t, l.Neighbour, s, lab.ServerAddr, pasv, port)
	})
	t.Run("a client on the same host is told a local address", func(t *testing.T) {
		for _, own := range []string{"127.0.0.1", "192.168.77.10"} {
			addr := netip.MustParseAddr(own)
			mustBeTold(t, l.Server, s.at(addr), addr)
		}
		testClients(t, l.Server, s, netip.MustParseAddr("127.0.0.1"), pasv)
	})
	t.Run("IPv6 in the LAN", func(t *testing.T) {
		testIPv6Control(t, l.Neighbour, s.at(lab.ServerAddr6))
		testClients(t, l.Neighbour, s, lab.ServerAddr6, epsv, eprt)
	})
	t.Run("the WAN address changes three times", func(t *testing.T) { testWANChanges(t, l, s) })
	t.Run("after SIGTERM the router forwards nothing", func(t *testing.T) {
		s.stop(t)
		if err := rulesAre(t, l.Router, nil); err != nil {
			t.Error(err)
		}
	})
}

// defaultPorts are those of the default configuration, as a router's page takes them.
var defaultPorts = []string{"2121", "50000-50009"}

// Without UPnP, STUN is all there is.
func TestPortsForwardedByHand(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{Forwarded: defaultPorts})
	s := serve(t, l.Server, 2121, l.STUN)
	t.Run("STUN finds the WAN address", func(t *testing.T) {
		lab.Await(t, stunNoticesWithin, func() error { return told(l.Internet, s.at(lab.WANAddr), lab.WANAddr) })
		testClients(t, l.Internet, s, lab.WANAddr, pasv, pasvTLS)
	})
	t.Run("STUN finds its change", func(t *testing.T) {
		next := netip.MustParseAddr("11.22.9.9")
		changeWAN(t, l, s, next, stunNoticesWithin)
		testClients(t, l.Internet, s, next, pasv)
	})
}

// rulesFor are the router's rules for a control port and the default range.
func rulesFor(control uint16) []lab.Rule {
	rules := []lab.Rule{{External: control, To: netip.AddrPortFrom(lab.ServerAddr, control)}}
	for p := uint16(50000); passive(p); p++ {
		rules = append(rules, lab.Rule{External: p, To: netip.AddrPortFrom(lab.ServerAddr, p)})
	}
	return rules
}

func rulesAre(t *testing.T, r *lab.Router, want []lab.Rule) error {
	t.Helper()
	if got := r.Rules(t); !slices.Equal(got, want) {
		return fmt.Errorf("the router's rules: got %v, want %v", got, want)
	}
	return nil
}

// testCrowd has more clients transfer at once than there are passive ports.
func testCrowd(t *testing.T, l *lab.Lab, s *server) {
	lab.RequireTools(t, clientTools)
	want := randomFile(t, filepath.Join(s.home, "crowd.bin"))
	args := []string{
		filepath.Join("testdata", "crowd.py"), lab.WANAddr.String(), strconv.Itoa(int(s.port)), user, password, "crowd.bin",
	}
	for _, a := range l.Crowd {
		args = append(args, a.String())
	}
	l.Internet.Run(t, "python3", args...)
	for _, a := range l.Crowd {
		mustHold(t, filepath.Join(s.home, a.String()), want)
	}
}

// testIPv6Control asks where to connect to over IPv6, for which 227 has no words
// (RFC 2428).
func testIPv6Control(t *testing.T, h *lab.Host, at netip.AddrPort) {
	t.Helper()
	c, err := dialSession(h, at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := c.epsv(); err != nil || !passive(got) {
		t.Errorf("229: got port %d (%v), want one of the passive range", got, err)
	}
	if got, err := c.pasv(); err == nil || !strings.Contains(err.Error(), "EPSV") {
		t.Errorf("PASV over IPv6: got %v (%v), want a refusal that names EPSV", got, err)
	}
}
