//go:build !linux

package route

import (
	"io"
	"net"
	"net/netip"
	"slices"
)

// outside is an address that is surely not in our LAN (RFC 5737). Nothing is ever
// sent to it.
const outside = "198.51.100.1:9"

// readDefaultRoutes finds the interface that a packet to the internet would leave
// by: connecting a UDP socket chooses its local address and sends nothing. Which
// router it would go to is not told.
func readDefaultRoutes(links []link) ([]defaultRoute, error) {
	conn, err := net.Dial("udp4", outside)
	if err != nil {
		return nil, nil // There is no default route.
	}
	defer conn.Close()
	addrPort, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return nil, err
	}
	local := addrPort.Addr()
	for _, l := range links {
		if slices.ContainsFunc(l.addrs, func(p netip.Prefix) bool { return p.Addr() == local }) {
			return []defaultRoute{{index: l.index, source: local}}, nil
		}
	}
	return nil, nil
}

// readPassing knows of none: which addresses are temporary is not told here.
func readPassing() ([]netip.Addr, error) { return nil, nil }

// subscribe returns a reader that tells nothing until it is closed: here the
// network is polled.
func subscribe() (io.ReadCloser, error) {
	silent, _ := io.Pipe()
	return silent, nil
}
