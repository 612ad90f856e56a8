package gateway

import "net/netip"

// block is a row of IANA's special-purpose address registries (RFC 6890): a
// prefix that no host on the internet can be reached by, and why.
type block struct {
	prefix  netip.Prefix
	purpose string
}

// special holds the rows that are not globally reachable, and what is no
// unicast address at all. The registries' smaller rows inside these are left
// out. Nothing changes it.
var special = []block{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network (RFC 791)"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback (RFC 1122)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local (RFC 3927)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private (RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/29"), "shared by a carrier with DS-Lite (RFC 7335)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "IETF protocol assignment (RFC 6890)"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation (RFC 5737)"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay anycast, deprecated (RFC 7526)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private (RFC 1918)"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking (RFC 2544)"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation (RFC 5737)"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation (RFC 5737)"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast (RFC 5771)"},
	{netip.MustParsePrefix("255.255.255.255/32"), "limited broadcast (RFC 919)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved (RFC 1112)"},

	{netip.MustParsePrefix("::1/128"), "loopback (RFC 4291)"},
	{netip.MustParsePrefix("2001::/32"), "Teredo (RFC 4380)"},
	{netip.MustParsePrefix("2001::/23"), "IETF protocol assignment (RFC 2928)"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation (RFC 3849)"},
	{netip.MustParsePrefix("2002::/16"), "6to4 (RFC 3056)"},
	{netip.MustParsePrefix("3fff::/20"), "documentation (RFC 9637)"},
	{netip.MustParsePrefix("fc00::/7"), "unique local (RFC 4193)"},
	{netip.MustParsePrefix("fe80::/10"), "link-local (RFC 4291)"},
	{netip.MustParsePrefix("ff00::/8"), "multicast (RFC 4291)"},
}

// globalUnicast6 is all that IANA hands out for hosts on the IPv6 internet
// (RFC 4291, section 2.4); the rest of IPv6 is special without a row.
var globalUnicast6 = netip.MustParsePrefix("2000::/3")

// Public says whether addr can be the address of a host on the internet.
func Public(addr netip.Addr) bool {
	return Special(addr) == ""
}

// Special says, for people, what an address that is not public is set aside
// for, such as "private (RFC 1918)". It is empty for a public address.
func Special(addr netip.Addr) string {
	if !addr.IsValid() {
		return "no address"
	}
	addr = addr.Unmap().WithZone("")
	for _, b := range special {
		if b.prefix.Contains(addr) {
			return b.purpose
		}
	}
	if addr.Is6() && !globalUnicast6.Contains(addr) {
		return "not assigned (RFC 4291)"
	}
	return ""
}

// carrier holds what carriers give to customers who have no address of their
// own: carrier NAT (RFC 6598) and DS-Lite (RFC 7335).
var carrier = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/29"),
}

// Shared says whether a carrier shares what lies behind addr among customers: as a
// gateway's external address it proves carrier NAT.
func Shared(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, p := range carrier {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Private says whether addr belongs to private networks: RFC 1918, or RFC 4193
// for IPv6. As a gateway's external address it proves double NAT.
func Private(addr netip.Addr) bool {
	return addr.Unmap().IsPrivate()
}

// External says whether addr can be a gateway's external IPv4 address at all; what
// else some tell while their WAN is down is none (0.0.0.0, loopback). A private or
// shared one can be: it proves double or carrier NAT.
func External(addr netip.Addr) bool {
	return addr.Is4() && addr.IsGlobalUnicast() && addr.As4()[0] != 0
}
