//go:build linux

package integration

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// lostWithin is when the loss of a router must be noticed, backWithin when clients
// on the internet must be served again after its return, and foundWithin when they
// must be where the router starts after the server.
const (
	lostWithin  = 30 * time.Second
	backWithin  = 10 * time.Second
	foundWithin = 20 * time.Second
)

// After a power cut the router has forgotten what it opened.
func TestRouterRestarts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options lab.Options
		then    netip.Addr
	}{
		{"with the same address, by UPnP", lab.Options{UPnP: lab.IGD2}, lab.WANAddr},
		{"with another address, by UPnP", lab.Options{UPnP: lab.IGD2}, netip.MustParseAddr("11.22.8.8")},
		{"with another address, by PCP", lab.Options{PMP: true}, netip.MustParseAddr("11.22.8.8")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, test.options)
			s := serve(t, l.Server, 2121, l.STUN)
			lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
			l.PowerOff(t)
			s.AwaitLog(t, lostWithin, "gateway lost")
			l.PowerOn(t, test.then)
			mustServeOutside(t, l, s, backWithin)
		})
	}
}

// After a power cut in the whole street the server may be up first.
func TestRouterStartsAfterTheServer(t *testing.T) {
	t.Parallel()
	later := 20 * time.Second
	if os.Getenv("NATLAB_LONG") != "" {
		later = time.Minute
	}
	l := lab.New(t, lab.Options{UPnP: lab.IGD1})
	l.PowerOff(t)
	s := serve(t, l.Server, 2121, l.STUN)
	<-time.After(later)
	l.PowerOn(t, lab.WANAddr)
	mustServeOutside(t, l, s, foundWithin)
}

// mustServeOutside waits until a client on the internet is served at the router's
// address, and then for the rest of the ports.
func mustServeOutside(t *testing.T, l *lab.Lab, s *server, within time.Duration) {
	t.Helper()
	lab.Await(t, within, func() error { return told(l.Internet, s.at(l.Router.WAN()), l.Router.WAN()) })
	testTransfers(t, l.Internet, s, l.Router.WAN(), 1)
	lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
}
