//go:build linux

package integration

import (
	"net/netip"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// Whatever a router speaks, it forwards exactly our ports while natftpd runs, and
// nothing afterwards.
func TestRoutersOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options lab.Options
		mapping string
		method  string
		notices time.Duration
	}{
		{"UPnP alone", lab.Options{UPnP: lab.IGD2}, "auto", "upnp", eventNoticesWithin},
		// miniupnpd without UPnP announces nothing, so it must be polled.
		{"NAT-PMP and PCP", lab.Options{PMP: true}, "auto", "pcp", pollNoticesWithin},
		{"NAT-PMP alone wanted", lab.Options{UPnP: lab.IGD2, PMP: true}, "[nat-pmp]", "nat-pmp", eventNoticesWithin},
		{"all of them", lab.Options{UPnP: lab.IGD1, PMP: true}, "auto", "pcp", eventNoticesWithin},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, test.options)
			s := configure(t, l.Server, 2121, l.STUN, "port_mapping: "+test.mapping)
			s.start(t)
			lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
			s.AwaitLog(t, verdictWithin, `msg="gateway found".* method=`+test.method+` `)
			mustBeTold(t, l.Internet, s.at(lab.WANAddr), lab.WANAddr)
			changeWAN(t, l, s, netip.MustParseAddr("11.22.5.1"), test.notices)
			testTransfers(t, l.Internet, s, l.Router.WAN(), 1)
			s.stop(t)
			if err := rulesAre(t, l.Router, nil); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		})
	}
}
