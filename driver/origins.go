package driver

import (
	"net/netip"
	"slices"
)

// Origins are addresses of clients: where a user may log in from, or who is
// never banned.
type Origins struct {
	Prefixes []netip.Prefix
	// LAN: also this host and its own network.
	LAN bool
}

// names tells whether a client is one of them; lan says that it is this host or
// of its own network. The zero value names nobody.
func (o Origins) names(client netip.Addr, lan bool) bool {
	if o.LAN && lan {
		return true
	}
	client = client.Unmap().WithZone("")
	return slices.ContainsFunc(o.Prefixes, func(p netip.Prefix) bool { return p.Contains(client) })
}

// empty tells whether nothing was written down.
func (o Origins) empty() bool { return !o.LAN && len(o.Prefixes) == 0 }

func (o Origins) equal(other Origins) bool {
	return o.LAN == other.LAN && slices.Equal(o.Prefixes, other.Prefixes)
}

// origin is what counts as one address: an IPv4 address, or an IPv6 /64, since
// a single customer has all of that (RFC 6177).
func origin(client netip.Addr) netip.Addr {
	return originPrefix(client).Addr()
}

// originPrefix is the origin with all the addresses it stands for.
func originPrefix(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(client, bits).Masked()
}
