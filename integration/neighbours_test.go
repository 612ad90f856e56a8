//go:build linux

package integration

import (
	"net/netip"
	"strconv"
	"testing"

	"natftpd/integration/lab"
)

// What other hosts had forwarded before is theirs, and no client is sent there.
func TestPortsOfOtherHostsAreLeftAlone(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{UPnP: lab.IGD1})
	ours, theirs := rulesFor(2121), []lab.Rule(nil)
	for i, rule := range ours {
		if i == 3 || i == 4 || i == 10 {
			forwardToNeighbour(t, l, rule.External)
			ours[i].To = netip.AddrPortFrom(lab.NeighbourAddr, rule.External)
			theirs = append(theirs, ours[i])
		}
	}
	if err := rulesAre(t, l.Router, theirs); err != nil {
		t.Fatal(err)
	}
	s := serve(t, l.Server, 2121, l.STUN)
	lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, ours) })
	t.Run("100 transfers in a row", func(t *testing.T) { testTransfers(t, l.Internet, s, lab.WANAddr, 100) })
	if err := rulesAre(t, l.Router, ours); err != nil {
		t.Error(err)
	}
	s.stop(t)
	if err := rulesAre(t, l.Router, theirs); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func forwardToNeighbour(t *testing.T, l *lab.Lab, port uint16) {
	t.Helper()
	number := strconv.Itoa(int(port))
	l.Neighbour.Run(t, "upnpc", "-a", lab.NeighbourAddr.String(), number, number, "TCP")
}
