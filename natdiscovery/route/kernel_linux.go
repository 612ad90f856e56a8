package route

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// dumpTries is how often a list is asked for again that changed under the kernel's
// hands (NLM_F_DUMP_INTR).
const dumpTries = 3

// readDefaultRoutes lists the IPv4 default routes of the main table. Those of
// other tables are chosen by rules, such as a VPN's, and say nothing about the home router.
func readDefaultRoutes([]link) ([]defaultRoute, error) {
	filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
	const mask = netlink.RT_FILTER_TABLE | netlink.RT_FILTER_TYPE | netlink.RT_FILTER_DST
	var (
		list []netlink.Route
		err  error
	)
	for range dumpTries {
		list, err = netlink.RouteListFiltered(netlink.FAMILY_V4, filter, mask)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	var routes []defaultRoute
	for _, r := range list {
		routes = append(routes, nextHops(r)...)
	}
	return routes, nil
}

// nextHops turns a route of the kernel's into one of ours for each next hop that is
// alive.
func nextHops(r netlink.Route) []defaultRoute {
	hops := r.MultiPath
	if len(hops) == 0 {
		hops = []*netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw, Flags: r.Flags}}
	}
	var routes []defaultRoute
	for _, hop := range hops {
		if hop.Flags&(unix.RTNH_F_DEAD|unix.RTNH_F_LINKDOWN) == 0 {
			routes = append(routes, defaultRoute{
				index: hop.LinkIndex, router: addrOf(hop.Gw), metric: r.Priority, source: addrOf(r.Src),
			})
		}
	}
	return routes
}

// addrOf is the zero Addr for an IP that is nil.
func addrOf(ip net.IP) netip.Addr {
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

// subscribe opens a socket from which something can be read after each change of a
// link, an address or an IPv4 route (rtnetlink(7)). What is read does not matter:
// messages may be lost, so only asking again tells how things are.
func subscribe() (io.ReadCloser, error) {
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	// A file on a non-blocking socket waits in Go's poller, so Close ends Read.
	return os.NewFile(uintptr(fd), "rtnetlink"), nil
}
