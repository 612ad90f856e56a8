//go:build linux

package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"natftpd/integration/lab"
)

// IPv6 needs no translation, but the router's firewall lets in only what a host has
// asked for.
func TestIPv6Pinholes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options lab.Options
		method  string
		// router is how the server knows the router.
		router string
		// closes says that the router closes pinholes. miniupnpd 2.3.1 refuses to
		// by PCP, once they were renewed.
		closes bool
	}{
		{"by UPnP", lab.Options{UPnP: lab.IGD2, IPv6: true}, "upnp", "2a02:77:1::1", true},
		{"by PCP", lab.Options{PMP: true, IPv6: true}, "pcp", "2a02:77:1::1", false},
		{"by PCP at a link-local address", lab.Options{PMP: true, IPv6: true}, "pcp", "fe80::77:1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, test.options)
			routeIPv6(t, l, test.router)
			s := configure(t, l.Server, 2121, l.STUN, "port_mapping: ["+test.method+"]")
			s.start(t)
			want := pinholesFor(s.port)
			lab.Await(t, mappedWithin, func() error { return pinholesAre(t, l.Router, want) })
			s.AwaitLog(t, mappedWithin, `msg="IPv6 pinholes asked for".* method=`+test.method+` `)
			testIPv6Control(t, l.Internet, s.at(lab.ServerPublic6))
			testClients(t, l.Internet, s, lab.ServerPublic6, epsv)
			if err := rulesAre(t, l.Router, rulesFor(s.port)); err != nil {
				t.Error(err)
			}
			// Who is killed leaves them to the next start.
			s.Stop(t, syscall.SIGKILL, stopWithin)
			s.start(t)
			s.AwaitLog(t, mappedWithin, `msg="IPv6 pinholes asked for"`)
			if err := pinholesAre(t, l.Router, want); err != nil {
				t.Error(err)
			}
			s.stop(t)
			if !test.closes {
				s.AwaitLog(t, 0, "IPv6 pinholes end by themselves")
				return
			}
			if err := pinholesAre(t, l.Router, nil); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		})
	}
}

// routeIPv6 makes the router known to the server by this address of its.
func routeIPv6(t *testing.T, l *lab.Lab, router string) {
	t.Helper()
	l.Router.Run(t, "ip", "addr", "replace", router+"/64", "dev", "lan", "nodad")
	l.Server.Run(t, "ip", "-6", "route", "replace", "default", "via", router, "dev", "eth0")
}

// pinholesFor are the router's pinholes for a control port and the default range.
func pinholesFor(control uint16) []netip.AddrPort {
	var all []netip.AddrPort
	for _, rule := range rulesFor(control) {
		all = append(all, netip.AddrPortFrom(lab.ServerPublic6, rule.External))
	}
	return all
}

func pinholesAre(t *testing.T, r *lab.Router, want []netip.AddrPort) error {
	t.Helper()
	if got := r.Pinholes(t); !slices.Equal(got, want) {
		return fmt.Errorf("the router's pinholes: got %v, want %v", got, want)
	}
	return nil
}
