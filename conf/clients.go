package conf

import (
	"fmt"
	"net/netip"
	"slices"
)

// Clients are addresses that clients come from.
type Clients struct {
	// LAN: this machine and its neighbours, as nat.lan_networks has them.
	LAN      bool
	Prefixes []netip.Prefix
}

// String is c as it is written in the file.
func (c Clients) String() string {
	var items []string
	if c.LAN {
		items = append(items, "lan")
	}
	for _, p := range c.Prefixes {
		if p.IsSingleIP() {
			items = append(items, p.Addr().String())
		} else {
			items = append(items, p.String())
		}
	}
	return showList(items)
}

// clients adds lan, a network or a single address.
func clients(v *Clients, s string) error {
	if s == "lan" {
		v.LAN = true
		return nil
	}
	var p netip.Prefix
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		p = netip.PrefixFrom(addr, addr.BitLen())
	} else if err := prefix(&p, s); err != nil {
		return err
	}
	if slices.Contains(v.Prefixes, p) {
		return fmt.Errorf("%q is there twice", s)
	}
	v.Prefixes = append(v.Prefixes, p)
	return nil
}
