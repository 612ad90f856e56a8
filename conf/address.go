package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// unreachable are the blocks of IPv4 that no outside client can reach, and what
// they are for (RFC 6890 lists them all; documentation blocks are left out, since
// examples are written with them).
var unreachable = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "no address of a host"},                               // RFC 1122, section 3.2.1.3
	{netip.MustParsePrefix("10.0.0.0/8"), "private (RFC 1918)"},                                //
	{netip.MustParsePrefix("100.64.0.0/10"), "shared between customers of a carrier or a VPN"}, // RFC 6598
	{netip.MustParsePrefix("127.0.0.0/8"), "this machine itself"},                              // RFC 1122, section 3.2.1.3
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},                                    // RFC 3927
	{netip.MustParsePrefix("172.16.0.0/12"), "private (RFC 1918)"},                             //
	{netip.MustParsePrefix("192.168.0.0/16"), "private (RFC 1918)"},                            //
	{netip.MustParsePrefix("192.0.0.0/24"), "kept for protocols, such as DS-Lite"},             // RFC 6333, RFC 7335
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},                                        // RFC 5771
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},                                         // RFC 1112, section 4
}

func externalAddress(v *ExternalAddress, s string) error {
	if s == "auto" {
		*v = ExternalAddress{Auto: true}
		return nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		if !strings.Contains(strings.TrimSuffix(s, "."), ".") {
			return fmt.Errorf("%q is neither auto, an address nor a host name with its domain", s)
		}
		if err := validHost(s); err != nil {
			return err
		}
		*v = ExternalAddress{Host: s}
		return nil
	}
	if !addr.Is4() {
		return &hinted{fmt.Errorf("%q is an IPv6 address, and PASV carries IPv4 only (RFC 959)", s),
			"write the IPv4 address, or auto; IPv6 clients need no setting, they use EPSV (RFC 2428)"}
	}
	for _, block := range unreachable {
		if block.prefix.Contains(addr) {
			return &hinted{fmt.Errorf("%s is %s: nobody on the internet can reach it", s, block.what),
				"write the address that the internet sees, or auto; for clients of a VPN use nat.address_overrides"}
		}
	}
	*v = ExternalAddress{Addr: addr}
	return nil
}

// validHost says whether s is a host name (RFC 1123, section 2.1). A last label of
// digits alone is a mistyped address.
func validHost(s string) error {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	if len(s) > 253 || slices.ContainsFunc(labels, badLabel) {
		return fmt.Errorf("%q is neither an address nor a host name", s)
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return fmt.Errorf("%q is no IPv4 address", s)
	}
	return nil
}

func badLabel(l string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return l == "" || len(l) > 63 || strings.Trim(l, "-") != l ||
		strings.ContainsFunc(l, func(r rune) bool { return !strings.ContainsRune(allowed, r) })
}

func prefix(v *netip.Prefix, s string) error {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return &hinted{fmt.Errorf("%q is one address, no network", s), "write " + netip.PrefixFrom(addr, addr.BitLen()).String() + " for this address alone"}
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no network", s)
	case p.Addr().Is4In6():
		return fmt.Errorf("%q is IPv4 written as IPv6", s)
	case p != p.Masked():
		return &hinted{fmt.Errorf("%q is an address inside a network", s), "write " + p.Masked().String()}
	}
	*v = p
	return nil
}

func lanNetwork(v *LANNetworks, s string) error {
	if s == "auto" {
		v.Auto = true
		return nil
	}
	var p netip.Prefix
	if err := prefix(&p, s); err != nil {
		return err
	}
	v.Prefixes = append(v.Prefixes, p)
	return nil
}

// overrideAddress takes private addresses, too: a VPN's are what it is for.
func overrideAddress(v *AddressOverride, s string) error {
	if s == "local" {
		v.Local = true
		return nil
	}
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return fmt.Errorf("%q is neither local nor an address", s)
	case !addr.Is4():
		return fmt.Errorf("%q is an IPv6 address, and PASV carries IPv4 only (RFC 959)", s)
	case addr.IsUnspecified() || addr.IsMulticast():
		return fmt.Errorf("%s is no address of a host", s)
	}
	v.Addr = addr
	return nil
}
