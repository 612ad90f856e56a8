//go:build linux

package integration

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// verdictWithin is when the log must say what is in the way: the search for a
// gateway has given up and the STUN servers have had their time-out.
const verdictWithin = 15 * time.Second

// Whatever is wrong with the network, neighbours are served, and one warning says
// what is missing.
func TestLANIsServedWithoutTheInternet(t *testing.T) {
	tests := []struct {
		name    string
		options lab.Options
		spoil   func(*testing.T, *lab.Lab)
		verdict string
	}{
		{"the router is dead", lab.Options{},
			func(t *testing.T, l *lab.Lab) { l.Router.Run(t, "ip", "link", "set", "dev", "lan", "down") },
			"no gateway"},
		{"there is no default route", lab.Options{},
			func(t *testing.T, l *lab.Lab) { l.Server.Run(t, "ip", "route", "del", "default") },
			"no gateway"},
		// miniupnpd keeps a reserved address to itself, so the gateway's word
		// can't tell a carrier from a second router.
		{"a carrier's NAT", lab.Options{UPnP: lab.IGD1, Carrier: netip.MustParsePrefix("100.64.0.0/24")},
			func(*testing.T, *lab.Lab) {},
			"double NAT"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, test.options)
			test.spoil(t, l)
			s := serve(t, l.Server, 2121, l.STUN)
			mustBeTold(t, l.Neighbour, s.at(lab.ServerAddr), lab.ServerAddr)
			s.AwaitLog(t, verdictWithin, `level=WARN .*verdict="`+test.verdict+`"`)
			testClients(t, l.Neighbour, s, lab.ServerAddr, pasv)
			if n := strings.Count(s.Log(), "verdict="); n != 1 {
				t.Errorf("verdicts in the log: got %d, want 1:\n%s", n, s.Log())
			}
		})
	}
}
