package pcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/natpmp"
)

// AnnouncePort is the UDP port that gateways announce to (RFC 6886, section 3.2.1;
// section 19.1).
const AnnouncePort = 5350

// The groups that they announce to: all hosts of a link.
var (
	allHosts4 = netip.AddrFrom4([4]byte{224, 0, 0, 1})
	allHosts6 = netip.MustParseAddr("ff02::1")
)

const (
	// quiet is the least time between two calls of tell for one reason. An
	// announcement is repeated for minutes, after 250 ms, 500 ms, and so on.
	quiet = time.Second
	// What arrives faster is left to the kernel, which drops it.
	datagramsPerSecond = 50
)

// Listen tells of what the router announces in the LAN of an interface, until ctx
// ends: by NAT-PMP a new external address (RFC 6886, section 3.2.1), by PCP that the
// server has lost its mappings (section 14.1). Anybody in the LAN can forge that, so
// it is a reason to ask, and told once a second at most.
//
// Listen hears IPv4 or IPv6 as router is, and leaves other programs that listen to
// the same what they have. It returns an error when it can't listen, and nil when ctx
// has ended.
func Listen(ctx context.Context, iface string, router netip.Addr, tell func(gateway.Reason)) error {
	group := allHosts4
	if router.Is6() && !router.Is4In6() {
		group = allHosts6
	}
	conn, err := join(iface, group, AnnouncePort)
	if err != nil {
		return fmt.Errorf("listen to announcements of %s on %s: %w", router, iface, err)
	}
	listen(ctx, conn, router, tell)
	return nil
}

// join opens a socket that shares its port with others (SO_REUSEADDR, which is set
// for multicast).
func join(iface string, group netip.Addr, port uint16) (*net.UDPConn, error) {
	on, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, err
	}
	return net.ListenMulticastUDP("udp", on, net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, port)))
}

// receiver is what is needed of a *net.UDPConn.
type receiver interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	Close() error
}

// listen hears until ctx ends, and closes conn.
func listen(ctx context.Context, conn receiver, router netip.Addr, tell func(gateway.Reason)) {
	defer func() { _ = conn.Close() }() // it only read
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	pace := rate.NewLimiter(datagramsPerSecond, datagramsPerSecond)
	calls := map[gateway.Reason]*rate.Limiter{
		gateway.AddressChanged: rate.NewLimiter(rate.Every(quiet), 1),
		gateway.Restarted:      rate.NewLimiter(rate.Every(quiet), 1),
	}
	buf := make([]byte, maxMessage)
	for pace.Wait(ctx) == nil {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		// Other errors are about one datagram: Windows reports those that are
		// too long in this way.
		if err != nil || from.Addr().Unmap().WithZone("") != router.Unmap().WithZone("") {
			continue
		}
		if why, ok := reason(buf[:n]); ok && calls[why].Allow() {
			tell(why)
		}
	}
}

// reason is what an announcement is a reason for, if b is one.
func reason(b []byte) (gateway.Reason, bool) {
	switch {
	case natpmp.IsAnnouncement(b):
		return gateway.AddressChanged, true
	case isAnnouncement(b):
		return gateway.Restarted, true
	}
	return "", false
}
