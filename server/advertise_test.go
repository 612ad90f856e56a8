package server

import (
	"net/netip"
	"testing"

	"natftpd/natdiscovery"
)

func TestAdvertise(t *testing.T) {
	home := natdiscovery.Network{
		Local:  netip.MustParseAddr("192.168.77.10"),
		Router: netip.MustParseAddr("192.168.77.1"),
		LANs:   []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24"), netip.MustParsePrefix("10.8.0.0/24"), netip.MustParsePrefix("2001:db8:77::/64")},
	}
	known := &natdiscovery.Status{External: netip.MustParseAddr("203.0.113.5"), Network: home}
	unknown := &natdiscovery.Status{Network: home}
	nothing := &natdiscovery.Status{}
	overrides := []Override{
		{Clients: netip.MustParsePrefix("10.9.0.0/24")},
		{Clients: netip.MustParsePrefix("172.20.0.0/16"), Addr: netip.MustParseAddr("172.20.0.1")},
		{Clients: netip.MustParsePrefix("192.168.77.200/32"), Addr: netip.MustParseAddr("203.0.113.99")},
		{Clients: netip.MustParsePrefix("192.168.77.192/26"), Addr: netip.MustParseAddr("203.0.113.98")},
	}
	const lan, wan = "192.168.77.10", "203.0.113.5"
	for _, c := range []struct {
		name          string
		status        *natdiscovery.Status
		client, local string
		want          string
		class         Class
	}{
		{"an override to the local address", known, "10.9.0.4", lan, lan, ClassOverride},
		{"an override to an address", known, "172.20.3.3", lan, "172.20.0.1", ClassOverride},
		{"the first override that fits holds", known, "192.168.77.200", lan, "203.0.113.99", ClassOverride},
		{"the next one for the rest of its prefix", known, "192.168.77.201", lan, "203.0.113.98", ClassOverride},
		{"loopback", known, "127.0.0.1", "127.0.0.1", "127.0.0.1", ClassHost},
		{"loopback, IPv4 in an IPv6 socket", known, "::ffff:127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1", ClassHost},
		{"this host by its LAN address", known, lan, lan, lan, ClassHost},
		{"a LAN client that dialled the external address", known, wan, lan, wan, ClassHairpin},
		{"a router that hides its clients", known, "192.168.77.1", lan, wan, ClassHairpin},
		{"such a router while the address is unknown", unknown, "192.168.77.1", lan, lan, ClassLAN},
		{"a neighbour in the LAN", known, "192.168.77.20", lan, lan, ClassLAN},
		{"a neighbour while the address is unknown", unknown, "192.168.77.20", lan, lan, ClassLAN},
		{"a neighbour in another LAN of ours", known, "10.8.0.7", "10.8.0.1", "10.8.0.1", ClassLAN},
		{"link-local", known, "169.254.3.4", "169.254.1.1", "169.254.1.1", ClassLAN},
		{"a VPN with shared addresses", known, "100.101.102.103", "100.64.0.9", "100.64.0.9", ClassLAN},
		{"a neighbour behind the carrier's NAT is outside", known, "100.101.102.103", lan, wan, ClassOutside},
		{"the internet", known, "198.51.100.7", lan, wan, ClassOutside},
		{"the internet, IPv4 in an IPv6 socket", known, "::ffff:198.51.100.7", "::ffff:192.168.77.10", wan, ClassOutside},
		{"a private address that is not ours", known, "192.168.88.3", lan, wan, ClassOutside},
		{"the internet while the address is unknown", unknown, "198.51.100.7", lan, lan, ClassUnknown},
		{"before anything was learnt", nothing, "198.51.100.7", lan, lan, ClassUnknown},
		{"IPv6 in the LAN", known, "2001:db8:77::20", "2001:db8:77::10", "2001:db8:77::10", ClassLAN},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, class := Advertise(netip.MustParseAddr(c.client), netip.MustParseAddr(c.local), c.status, overrides)
			if got.String() != c.want || class != c.class {
				t.Errorf("got %s (%s), want %s (%s)", got, class, c.want, c.class)
			}
		})
	}
}

func BenchmarkAdvertise(b *testing.B) {
	st := &natdiscovery.Status{External: netip.MustParseAddr("203.0.113.5"), Network: natdiscovery.Network{
		LANs: []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24"), netip.MustParsePrefix("10.8.0.0/24")}}}
	client, local := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("192.168.77.10")
	b.ReportAllocs()
	for b.Loop() {
		Advertise(client, local, st, nil)
	}
}

func TestAdvertiseAllocatesNothing(t *testing.T) {
	st := &natdiscovery.Status{External: netip.MustParseAddr("203.0.113.5")}
	client, local := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("192.168.77.10")
	if n := testing.AllocsPerRun(100, func() { Advertise(client, local, st, nil) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestNeighboursAreThisHostAndItsOwnNetwork(t *testing.T) {
	home := natdiscovery.Network{
		Local:  netip.MustParseAddr("192.168.77.10"),
		Router: netip.MustParseAddr("192.168.77.1"),
		LANs:   []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24")},
	}
	known := &natdiscovery.Status{External: netip.MustParseAddr("203.0.113.5"), Network: home}
	unknown := &natdiscovery.Status{Network: home}
	for name, c := range map[string]struct {
		status *natdiscovery.Status
		client string
		want   bool
		shared bool
	}{
		"loopback":                                {known, "127.0.0.1", true, false},
		"this host by its LAN address":            {known, "192.168.77.10", true, false},
		"another host of the LAN":                 {known, "192.168.77.20", true, false},
		"the same, IPv4 in an IPv6 socket":        {known, "::ffff:192.168.77.20", true, false},
		"the router, which may hide the internet": {known, "192.168.77.1", false, true},
		"the router while our address is unknown": {unknown, "192.168.77.1", false, true},
		"our external address":                    {known, "203.0.113.5", false, true},
		"the internet":                            {known, "198.51.100.7", false, false},
		"the internet while ours is unknown":      {unknown, "198.51.100.7", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := neighbour(netip.MustParseAddr(c.client), c.status); got != c.want {
				t.Errorf("a neighbour: got %t, want %t", got, c.want)
			}
			if got := hidesOthers(netip.MustParseAddr(c.client), c.status); got != c.shared {
				t.Errorf("hides others: got %t, want %t", got, c.shared)
			}
		})
	}
}
