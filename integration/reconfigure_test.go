//go:build linux

package integration

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"natftpd/integration/lab"
)

// A change of the configuration reaches the router: other ports, none, and all of them
// again, without a restart and with nothing left over.
func TestTheRouterFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]lab.Options{"by UPnP": {UPnP: lab.IGD2}, "by PCP": {PMP: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, options)
			s := serve(t, l.Server, 2121, l.STUN)
			file := filepath.Join(s.dir, "natftpd.yaml")
			original, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rules := rulesFor(s.port)
			lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rules) })
			for _, change := range []struct {
				before, after string
				want          []lab.Rule
			}{
				{`":2121"`, `":2121", passive_ports: 50000-50003`, rules[:5]},
				{`":2121"`, `":2222"`, slices.Concat([]lab.Rule{{External: 2222, To: netip.AddrPortFrom(lab.ServerAddr, 2222)}}, rules[1:])},
				{"nat: {", "nat: {port_mapping: off, ", nil},
				{"", "", rules},
			} {
				text := strings.Replace(string(original), change.before, change.after, 1)
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, change.want) })
			}
		})
	}
}
