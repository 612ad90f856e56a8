//go:build linux

package integration

import (
	"net/netip"
	"syscall"
	"testing"

	"natftpd/integration/lab"
)

// A supervisor may end it again before it has found the router: then it searches once
// more for what the run before has left there.
func TestEndRightAfterACrashLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]lab.Options{"by UPnP": {UPnP: lab.IGD2}, "by PCP": {PMP: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, options)
			s := serve(t, l.Server, 2121, l.STUN)
			lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
			s.Stop(t, syscall.SIGKILL, stopWithin)
			s.start(t)
			s.AwaitLog(t, startWithin, "network read") // and the search begins
			s.stop(t)
			if err := rulesAre(t, l.Router, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who is killed can't tidy up. The next start takes over what the last one left on
// the router, also when this host has another address by then, and the end of that
// one leaves nothing.
func TestAfterACrashNothingIsLeftOnTheRouter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options lab.Options
		then    netip.Addr
	}{
		{"with the same address, by UPnP", lab.Options{UPnP: lab.IGD2}, lab.ServerAddr},
		{"with the same address, by PCP", lab.Options{PMP: true}, lab.ServerAddr},
		// A router that serves a host for its own mappings only keeps what the
		// former address had, until the lease ends.
		{"with another address in the LAN, by UPnP", lab.Options{UPnP: lab.IGD2, Lax: true}, netip.MustParseAddr("192.168.77.11")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, test.options)
			s := serve(t, l.Server, 2121, l.STUN)
			before := rulesFor(s.port)
			lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, before) })
			s.Stop(t, syscall.SIGKILL, stopWithin)
			if err := rulesAre(t, l.Router, before); err != nil {
				t.Error(err)
			}
			if test.then != lab.ServerAddr {
				l.MoveServer(t, lab.ServerAddr, test.then)
			}
			s.start(t)
			s.AwaitLog(t, mappedWithin, "passive ports asked for")
			after := rulesFor(s.port)
			for i := range after {
				after[i].To = netip.AddrPortFrom(test.then, after[i].External)
			}
			if err := rulesAre(t, l.Router, after); err != nil {
				t.Error(err)
			}
			s.stop(t)
			if err := rulesAre(t, l.Router, nil); err != nil {
				t.Error(err)
			}
		})
	}
}
