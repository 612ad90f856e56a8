package route

import (
	"cmp"
	"net"
	"net/netip"
	"regexp"
	"slices"
)

// link is an interface as the kernel lists it.
type link struct {
	name  string
	index int
	flags net.Flags
	// addrs are its addresses, unmasked, the primary one of each prefix first.
	addrs []netip.Prefix
}

// defaultRoute is a route to all of IPv4, or to all of IPv6.
type defaultRoute struct {
	ipv6 bool
	// index is the interface's.
	index int
	// router is the zero Addr where the route names an interface only (PPP).
	router netip.Addr
	// metric: the lowest wins.
	metric int
	// source is the address that the route prefers; usually the zero Addr.
	source netip.Addr
}

// linkLocal6 is every IPv6 host's neighbourhood (RFC 4291, section 2.5.6).
var linkLocal6 = netip.MustParsePrefix("fe80::/10")

// container matches what Docker, Podman, CNI plug-ins and libvirt call the
// bridges and veth pairs that they make. A bridge with another name (br0, or
// OpenWrt's br-lan) is a LAN like any other.
var container = regexp.MustCompile(`^(docker\d+|br-[0-9a-f]{12}|veth[0-9a-f]{7,}|podman\d+|cni\d+|cni-podman\d+|virbr\d+)$`)

// describe finds our place among links and routes. Passing are addresses of ours
// that nobody is to be told.
func describe(links []link, routes []defaultRoute, passing []netip.Addr) Network {
	n := Network{LANs: []netip.Prefix{linkLocal6}}
	for _, l := range links {
		n.addLink(l)
	}
	slices.SortFunc(n.LANs, netip.Prefix.Compare)
	n.LANs = slices.Compact(n.LANs)
	slices.SortFunc(n.Addrs, netip.Addr.Compare)
	n.Addrs = slices.Compact(n.Addrs)
	for _, a := range n.Addrs {
		if a.Is6() && !slices.Contains(passing, a) {
			n.Lasting = append(n.Lasting, a)
		}
	}

	if l, r, ok := choose(links, routes, false); ok {
		n.Interface, n.Index = l.name, l.index
		n.Router, n.Local = r.router, l.localFor(r)
	} else if l, ok := guess(links); ok {
		n.Interface, n.Index, n.Local = l.name, l.index, l.localFor(defaultRoute{})
	}
	if l, r, ok := choose(links, routes, true); ok && l.index == n.Index {
		n.Router6 = r.router
		if r.router.IsLinkLocalUnicast() {
			n.Router6 = r.router.WithZone(l.name)
		}
	}
	return n
}

// addLink adds the addresses and prefixes of l, if it is up.
func (n *Network) addLink(l link) {
	if l.flags&net.FlagUp == 0 {
		return
	}
	for _, p := range l.addrs {
		if p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
			continue
		}
		n.Addrs = append(n.Addrs, p.Addr())
		if l.flags&net.FlagLoopback == 0 {
			n.LANs = append(n.LANs, p.Masked())
		}
	}
}

// choose finds the default route in use, of one family: that of the lowest metric, the kernel's
// first among equals, through an interface that works and leads outside.
func choose(links []link, routes []defaultRoute, ipv6 bool) (link, defaultRoute, bool) {
	routes = slices.DeleteFunc(slices.Clone(routes), func(r defaultRoute) bool { return r.ipv6 != ipv6 })
	slices.SortStableFunc(routes, func(a, b defaultRoute) int { return cmp.Compare(a.metric, b.metric) })
	for _, r := range routes {
		i := slices.IndexFunc(links, func(l link) bool { return l.index == r.index })
		if i >= 0 && links[i].leadsOutside() {
			return links[i], r, true
		}
	}
	return link{}, defaultRoute{}, false
}

// guess finds the interface that is most likely the LAN's when no default route
// tells: the first that is no tunnel and has an address of a network.
func guess(links []link) (link, bool) {
	for _, l := range links {
		if l.leadsOutside() && l.flags&net.FlagPointToPoint == 0 {
			if local := l.localFor(defaultRoute{}); local.IsValid() && !local.IsLinkLocalUnicast() {
				return l, true
			}
		}
	}
	return link{}, false
}

// leadsOutside says whether l has a carrier and its other end is not on this host.
func (l link) leadsOutside() bool {
	const working = net.FlagUp | net.FlagRunning
	return l.flags&(working|net.FlagLoopback) == working && !container.MatchString(l.name)
}

// localFor finds our IPv4 address on l towards r: the one that the route names,
// else the one in the router's prefix, else the first.
func (l link) localFor(r defaultRoute) netip.Addr {
	if r.source.IsValid() {
		return r.source
	}
	var first netip.Addr
	for _, p := range l.addrs {
		if !p.Addr().Is4() {
			continue
		}
		if r.router.IsValid() && p.Contains(r.router) {
			return p.Addr()
		}
		if !first.IsValid() {
			first = p.Addr()
		}
	}
	return first
}
