//go:build !linux

package upnp

import (
	"fmt"
	"net"
	"net/netip"
)

// listenGroup opens a socket that gets what is sent to an IPv4 multicast group in
// the LAN of local.
func listenGroup(local netip.Addr, group netip.AddrPort) (*net.UDPConn, error) {
	lan, err := interfaceOf(local)
	if err != nil {
		return nil, fmt.Errorf("join %s in the LAN of %s: %w", group, local, err)
	}
	return net.ListenMulticastUDP("udp4", lan, net.UDPAddrFromAddrPort(group))
}
