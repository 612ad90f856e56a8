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

// again asks for a list until it did not change meanwhile.
func again[T any](list func() ([]T, error)) (all []T, err error) {
	for range dumpTries {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}

// readDefaultRoutes lists the default routes of the main table. Those of
// other tables are chosen by rules, such as a VPN's, and say nothing about the home router.
func readDefaultRoutes([]link) ([]defaultRoute, error) {
	var routes []defaultRoute
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		list, err := readRoutes(family)
		if err != nil {
			return nil, err
		}
		routes = append(routes, list...)
	}
	return routes, nil
}

func readRoutes(family int) ([]defaultRoute, error) {
	filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
	const mask = netlink.RT_FILTER_TABLE | netlink.RT_FILTER_TYPE | netlink.RT_FILTER_DST
	list, err := again(func() ([]netlink.Route, error) { return netlink.RouteListFiltered(family, filter, mask) })
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil // a kernel without IPv6
	}
	if err != nil {
		return nil, err
	}
	var routes []defaultRoute
	for _, r := range list {
		routes = append(routes, nextHops(r, family == netlink.FAMILY_V6)...)
	}
	return routes, nil
}

// passing are the flags of addresses that nobody is to be told (if_addr.h).
const passing = unix.IFA_F_TEMPORARY | unix.IFA_F_DEPRECATED | unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED

// readPassing lists the IPv6 addresses of ours that nobody is to be told.
func readPassing() ([]netip.Addr, error) {
	list, err := again(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_V6) })
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, a := range list {
		if a.Flags&passing != 0 {
			addrs = append(addrs, addrOf(a.IP))
		}
	}
	return addrs, nil
}

// nextHops turns a route of the kernel's into one of ours for each next hop that is
// alive.
func nextHops(r netlink.Route, ipv6 bool) []defaultRoute {
	hops := r.MultiPath
	if len(hops) == 0 {
		hops = []*netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw, Flags: r.Flags}}
	}
	var routes []defaultRoute
	for _, hop := range hops {
		if hop.Flags&(unix.RTNH_F_DEAD|unix.RTNH_F_LINKDOWN) == 0 {
			routes = append(routes, defaultRoute{
				ipv6: ipv6, index: hop.LinkIndex, router: addrOf(hop.Gw), metric: r.Priority, source: addrOf(r.Src),
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
// link, an address or a route (rtnetlink(7)). What is read does not matter:
// messages may be lost, so only asking again tells how things are.
func subscribe() (io.ReadCloser, error) {
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE
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
