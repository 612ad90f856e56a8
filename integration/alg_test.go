//go:build linux

package integration

import (
	"testing"

	"natftpd/integration/lab"
)

// Routers on both sides that rewrite FTP on port 21, or mean to: with a server
// that tells the truth they must do no harm.
func TestALGOnBothRouters(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{UPnP: lab.IGD2, ALG: true})
	t.Run("control port 21", func(t *testing.T) {
		s := serve(t, l.Server, 21, l.STUN)
		lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
		testClients(t, l.Guest, s, lab.WANAddr, pasv, epsv, port, pasvTLS)
	})
	t.Run("control port 2121", func(t *testing.T) {
		s := serve(t, l.Server, 2121, l.STUN)
		lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
		testClients(t, l.Guest, s, lab.WANAddr, pasv)
	})
}
