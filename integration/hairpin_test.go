//go:build linux

package integration

import (
	"fmt"
	"regexp"
	"testing"

	"natftpd/integration/lab"
)

// Some routers loop their external address back to the server for those who come
// from the LAN, and some don't. natftpd finds out which.
func TestHairpin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		hairpin string
		ports   []string
	}{{"yes", defaultPorts}, {"no", nil}} {
		t.Run(test.hairpin, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.Options{UPnP: lab.IGD2, Hairpin: test.ports})
			s := serve(t, l.Server, 2121, l.STUN)
			lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
			if test.ports != nil {
				// The data connection must take the same way.
				mustBeTold(t, l.Neighbour, s.at(lab.WANAddr), lab.WANAddr)
				testClients(t, l.Neighbour, s, lab.WANAddr, pasv, epsv)
			}
			want := regexp.MustCompile(fmt.Sprintf(`"hairpin": %q`, test.hairpin))
			if out, err := l.Server.Try(s.command("doctor", "--json")); err != nil || !want.MatchString(out) {
				t.Errorf("doctor: no %s (%v) in:\n%s", want, err, out)
			}
		})
	}
}
