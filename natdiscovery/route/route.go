// Package route tells where this host stands in its network: the default gateway,
// our address towards it, the prefixes of the neighbours, and when any of this
// changes. It asks the kernel and sends nothing. It knows no protocol to ask the
// gateway by, and not what the internet sees of us.
package route

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Network is this host's place in its network at one moment. It is immutable;
// its slices are sorted, so that equal networks compare as equal.
type Network struct {
	// Interface and Index name the interface with the IPv4 default route, or,
	// without such a route, the one that is most likely the LAN's. "" and 0:
	// there is none.
	Interface string
	Index     int
	// Local is our IPv4 address on it: what the router forwards to. The zero
	// Addr: none.
	Local netip.Addr
	// Router is the default gateway's IPv4 address. The zero Addr: there is no
	// default gateway, or this system does not tell.
	Router netip.Addr
	// Router6 is the default gateway's IPv6 address on it, with the interface as its
	// zone where it is a link-local one, as most are. The zero Addr: none.
	Router6 netip.Addr
	// LANs are the prefixes of all interfaces that are up, containers' bridges
	// included, loopback not; fe80::/10 always.
	LANs []netip.Prefix
	// Addrs are our own addresses on all interfaces that are up, except
	// IPv6 link-local ones: these mean nothing without their interface.
	Addrs []netip.Addr
	// Lasting are the IPv6 ones among Addrs that others may be told: not temporary
	// (RFC 8981), not deprecated and no longer tentative (RFC 4862). Where the
	// system does not tell, all are.
	Lasting []netip.Addr
}

// Equal says whether two networks are the same in all that a Network tells.
func (n Network) Equal(other Network) bool {
	return n.Interface == other.Interface && n.Index == other.Index &&
		n.Local == other.Local && n.Router == other.Router && n.Router6 == other.Router6 &&
		slices.Equal(n.LANs, other.LANs) && slices.Equal(n.Addrs, other.Addrs) && slices.Equal(n.Lasting, other.Lasting)
}

// Current asks the kernel. A host without a default route, or without any
// network, is not an error.
func Current() (Network, error) {
	links, err := readLinks()
	if err != nil {
		return Network{}, fmt.Errorf("list the network interfaces: %w", err)
	}
	passing, err := readPassing()
	if err != nil {
		return Network{}, fmt.Errorf("list the IPv6 addresses: %w", err)
	}
	routes, err := readDefaultRoutes(links)
	if err != nil {
		return Network{}, fmt.Errorf("list the default routes: %w", err)
	}
	return describe(links, routes, passing), nil
}

// readLinks lists the interfaces with their addresses, in the kernel's order.
func readLinks() ([]link, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	links := make([]link, len(interfaces))
	for i, ifi := range interfaces {
		links[i] = link{name: ifi.Name, index: ifi.Index, flags: ifi.Flags}
		// An interface that went away since it was listed has no addresses.
		addrs, _ := ifi.Addrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				links[i].addrs = append(links[i].addrs, prefixOf(n))
			}
		}
	}
	return links, nil
}

// prefixOf keeps both what net.IPNet holds: the address, and the prefix length.
func prefixOf(n *net.IPNet) netip.Prefix {
	addr, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits)
}
