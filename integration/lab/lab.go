//go:build linux

// Package lab builds a real home network on one machine, for tests: hosts are
// network namespaces, NAT is nftables, the routers' UPnP is miniupnpd, the STUN
// servers are coturn and the FTP helper (ALG) is the kernel's own. No route
// leads out of it.
//
//	internet 11.22.0.0/16     Internet (clients and STUN servers) and both routers' WAN sides
//	home     192.168.77.0/24  Router .1, Server .10, Neighbour .20; also fd77::/64
//	away     192.168.88.0/24  Guest .20 behind AwayRouter .1
//
// The package knows nothing of FTP servers or of this project: a test starts
// what it wants to test on a host with Host.Command and Start. It needs root.
// Everything is taken down with the test; what a killed run left behind is
// removed when the next lab is built.
package lab

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// The addresses of the lab.
var (
	WANAddr        = netip.MustParseAddr("11.22.0.1")
	AwayWANAddr    = netip.MustParseAddr("11.22.0.2")
	InternetAddr   = netip.MustParseAddr("11.22.0.10")
	RouterAddr     = netip.MustParseAddr("192.168.77.1")
	ServerAddr     = netip.MustParseAddr("192.168.77.10")
	NeighbourAddr  = netip.MustParseAddr("192.168.77.20")
	ServerAddr6    = netip.MustParseAddr("fd77::10")
	NeighbourAddr6 = netip.MustParseAddr("fd77::20")
	// With Options.IPv6.
	InternetPublic6 = netip.MustParseAddr("2a02:77::10")
	ServerPublic6   = netip.MustParseAddr("2a02:77:1::10")

	carrierWAN = netip.MustParseAddr("11.22.0.9")
	stunAddrs  = []netip.Addr{
		netip.MustParseAddr("11.22.0.3"), netip.MustParseAddr("11.22.0.4"), netip.MustParseAddr("11.22.0.5"),
	}
)

// crowd is how many further addresses the Internet host has.
const crowd = 24

// Options says how a lab differs from the plain one: a router straight on the
// internet that forwards nothing and can't be asked to.
type Options struct {
	// UPnP is which device the server's router is; "": it does not speak UPnP.
	UPnP UPnP
	// PMP lets it speak NAT-PMP and PCP.
	PMP bool
	// Refuses makes it deny every mapping.
	Refuses bool
	// Lax lets its UPnP serve a host that meddles with the mappings of another.
	Lax bool
	// Lease is the only lifetime that it grants by PCP. Zero: what is asked for.
	Lease time.Duration
	// Forwarded are TCP ports that the router forwards to the server by
	// hand, in nft's words: "2121", "50000-50009".
	Forwarded []string
	// Hairpin are ports at the WAN address that lead to the server for those, too,
	// who come from the LAN (RFC 4787, section 6).
	Hairpin []string
	// ALG gives both routers the FTP helper on port 21.
	ALG bool
	// Carrier puts a provider's NAT with this network between the router
	// and the internet: 100.64.0.0/24 stages carrier NAT, a private network
	// double NAT. The zero Prefix: none.
	Carrier netip.Prefix
	// PPPoE makes the router's line one of 1492 bytes, and a black hole for
	// larger packets: nobody is told (RFC 2923, section 2.1).
	PPPoE bool
	// IPv6 gives the internet and the home public IPv6, without NAT; the
	// router lets nobody in who has no pinhole.
	IPv6 bool
}

// Lab is a home network, the internet around it and a guest's network far away.
type Lab struct {
	// Internet is a host with many addresses; the STUN servers run on it too.
	Internet *Host
	// Router is the server's home router, Server the machine behind it and
	// Neighbour another one in the same LAN.
	Router            *Router
	Server, Neighbour *Host
	// AwayRouter is another home's router and Guest the client behind it.
	AwayRouter *Router
	Guest      *Host
	// STUN are STUN servers at different addresses on the internet.
	STUN []netip.AddrPort
	// Crowd are addresses of Internet for clients that come in numbers.
	Crowd []netip.Addr

	options Options
	gateway *Process // nil: the router can't be asked
	carrier *Router
	wires   *Host // all bridges
	prefix  string
	hosts   []string
}

// New builds a lab and starts its daemons. It skips the test where no lab can
// be built, and takes everything down when the test ends, however it ends.
func New(t testing.TB, o Options) *Lab {
	t.Helper()
	require(t)
	removeStale(t)
	l := &Lab{options: o, prefix: fmt.Sprintf("%s%d-%s-", namePrefix, os.Getpid(), strings.ToLower(rand.Text()[:4]))}
	for i := range crowd {
		l.Crowd = append(l.Crowd, netip.AddrFrom4([4]byte{11, 22, 1, byte(i + 1)}))
	}
	l.Internet, l.Server, l.Neighbour, l.Guest = l.host("internet"), l.host("server"), l.host("neighbour"), l.host("guest")
	l.Router = &Router{Host: l.host("router"), wan: netip.PrefixFrom(WANAddr, 16)}
	l.AwayRouter = &Router{Host: l.host("awayrouter"), wan: netip.PrefixFrom(AwayWANAddr, 16)}
	if o.Carrier.IsValid() {
		l.carrier = &Router{Host: l.host("carrier"), wan: netip.PrefixFrom(carrierWAN, 16)}
		l.Router.wan = netip.PrefixFrom(o.Carrier.Addr().Next().Next(), o.Carrier.Bits())
	}
	l.wires = l.host("switch")
	t.Cleanup(func() { deleteNamespaces(t, l.names()) })
	l.wire(t)
	l.routers(t)
	if o.PPPoE {
		l.blackHole(t)
	}
	if o.IPv6 {
		l.publicIPv6(t)
	}
	l.STUN = startSTUN(t, l.Internet)
	l.startGateway(t)
	return l
}

func (l *Lab) host(name string) *Host {
	l.hosts = append(l.hosts, name)
	return &Host{Name: name, namespace: l.prefix + name}
}

// names are all namespaces of the lab.
func (l *Lab) names() []string {
	var all []string
	for _, h := range l.hosts {
		all = append(all, l.prefix+h)
	}
	return all
}
