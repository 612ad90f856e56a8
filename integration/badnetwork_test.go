//go:build linux

package integration

import (
	"net/netip"
	"testing"

	"natftpd/integration/lab"
)

// verdictWithin is when the log must say what is in the way: the search for a
// gateway has given up and the STUN servers have had their time-out.
const verdictWithin = startWithin

func TestLANIsServedWithoutTheInternet(t *testing.T) {
	tests := []struct {
		name    string
		options lab.Options
		spoil   func(*testing.T, *lab.Lab)
		verdict string
	}{
		{"the router is dead", lab.Options{},
			func(t *testing.T, l *lab.Lab) { l.Router.Run(t, "ip", "link", "set", "dev", "lan", "down") },
			`address unknown|no gateway`},
		{"there is no default route", lab.Options{},
			func(t *testing.T, l *lab.Lab) { l.Server.Run(t, "ip", "route", "del", "default") },
			`address unknown|no gateway`},
		// miniupnpd keeps a reserved address to itself, so the gateway's word
		// can't tell a carrier from a second router.
		{"a carrier's NAT", lab.Options{UPnP: lab.IGD1, Carrier: netip.MustParsePrefix("100.64.0.0/24")},
			func(*testing.T, *lab.Lab) {},
			`(carrier|double) NAT`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, test.options)
			test.spoil(t, l)
			s := serve(t, l.Server, 2121, l.STUN)
			mustBeTold(t, l.Neighbour, s.at(lab.ServerAddr), lab.ServerAddr)
			testClients(t, l.Neighbour, s, lab.ServerAddr, pasv)
			s.AwaitLog(t, verdictWithin, test.verdict)
		})
	}
}
