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
	"os/exec"
	"slices"
	"strings"
	"testing"
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

	carrierWAN = netip.MustParseAddr("11.22.0.9")
	stunAddrs  = []netip.Addr{
		netip.MustParseAddr("11.22.0.3"), netip.MustParseAddr("11.22.0.4"), netip.MustParseAddr("11.22.0.5"),
	}
)

// crowd is how many further addresses the Internet host has.
const crowd = 24

// Options says how a lab differs from the plain one: a router straight on the
// internet that forwards nothing and speaks no UPnP.
type Options struct {
	// UPnP is what the server's router speaks.
	UPnP UPnP
	// Forwarded are TCP ports that the router forwards to the server by
	// hand, in nft's words: "2121", "50000-50009".
	Forwarded []string
	// ALG gives both routers the FTP helper on port 21.
	ALG bool
	// Carrier puts a provider's NAT with this network between the router
	// and the internet: 100.64.0.0/24 stages carrier NAT, a private network
	// double NAT. The zero Prefix: none.
	Carrier netip.Prefix
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

	carrier *Router
	prefix  string
	hosts   []string
}

// New builds a lab and starts its daemons. It skips the test where no lab can
// be built, and takes everything down when the test ends, however it ends.
func New(t testing.TB, o Options) *Lab {
	t.Helper()
	require(t)
	removeStale(t)
	l := &Lab{prefix: fmt.Sprintf("%s%d-%s-", namePrefix, os.Getpid(), strings.ToLower(rand.Text()[:4]))}
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
	t.Cleanup(func() { deleteNamespaces(t, l.names()) })
	l.wire(t, o)
	l.routers(t, o)
	l.STUN = startSTUN(t, l.Internet)
	if o.UPnP != "" {
		startUPnP(t, l.Router, o.UPnP)
	}
	return l
}

func (l *Lab) host(name string) *Host {
	l.hosts = append(l.hosts, name)
	return &Host{Name: name, namespace: l.prefix + name}
}

// names are all namespaces of the lab; the last one holds the bridges.
func (l *Lab) names() []string {
	var all []string
	for _, h := range l.hosts {
		all = append(all, l.prefix+h)
	}
	return append(all, l.prefix+"switch")
}

// A nic is one network interface of a host, plugged into a bridge.
type nic struct {
	host         *Host
	name, bridge string
	addrs        []string
	// via is the default route through this interface; "": none.
	via string
}

func (l *Lab) nics(o Options) []nic {
	internet := []string{InternetAddr.String() + "/16"}
	for _, a := range slices.Concat(stunAddrs, l.Crowd) {
		internet = append(internet, a.String()+"/16")
	}
	wan := nic{host: l.Router.Host, name: "wan", bridge: "inet", addrs: []string{l.Router.wan.String()}}
	all := []nic{
		{l.Internet, "eth0", "inet", internet, ""},
		{l.Router.Host, "lan", "home", []string{"192.168.77.1/24"}, ""},
		{l.Server, "eth0", "home", []string{"192.168.77.10/24", "fd77::10/64 nodad"}, "192.168.77.1"},
		{l.Neighbour, "eth0", "home", []string{"192.168.77.20/24", "fd77::20/64 nodad"}, "192.168.77.1"},
		{l.AwayRouter.Host, "wan", "inet", []string{l.AwayRouter.wan.String()}, ""},
		{l.AwayRouter.Host, "lan", "away", []string{"192.168.88.1/24"}, ""},
		{l.Guest, "eth0", "away", []string{"192.168.88.20/24"}, "192.168.88.1"},
	}
	if l.carrier != nil {
		inside := o.Carrier.Addr().Next()
		all = append(all,
			nic{l.carrier.Host, "wan", "inet", []string{l.carrier.wan.String()}, ""},
			nic{l.carrier.Host, "lan", "carrier", []string{fmt.Sprintf("%s/%d", inside, o.Carrier.Bits())}, ""})
		wan.bridge, wan.via = "carrier", inside.String()
	}
	return append(all, wan)
}

// wire makes the namespaces, the bridges and the cables.
func (l *Lab) wire(t testing.TB, o Options) {
	t.Helper()
	var all []string
	for _, ns := range l.names() {
		all = append(all, "netns add "+ns)
	}
	sw := &Host{Name: "switch", namespace: l.prefix + "switch"}
	var bridges []string
	for _, name := range []string{"inet", "home", "away", "carrier"} {
		// Without snooping a bridge floods multicast, which SSDP needs.
		bridges = append(bridges, "link add name "+name+" type bridge mcast_snooping 0", "link set dev "+name+" up")
	}
	perHost := map[*Host][]string{}
	for _, n := range l.nics(o) {
		port := n.host.Name + "-" + n.name
		all = append(all, fmt.Sprintf("link add %s netns %s type veth peer name %s netns %s", n.name, n.host.namespace, port, sw.namespace))
		bridges = append(bridges, fmt.Sprintf("link set %s master %s up", port, n.bridge))
		lines := []string{"link set lo up", fmt.Sprintf("link set %s up", n.name)}
		for _, a := range n.addrs {
			lines = append(lines, fmt.Sprintf("addr add %s dev %s", a, n.name))
		}
		if n.via != "" {
			lines = append(lines, "route add default via "+n.via)
		}
		perHost[n.host] = append(perHost[n.host], lines...)
	}
	ipBatch(t, all)
	ipBatch(t, bridges, "-n", sw.namespace)
	for h, lines := range perHost {
		ipBatch(t, lines, "-n", h.namespace)
	}
}

func ipBatch(t testing.TB, lines []string, options ...string) {
	t.Helper()
	cmd := exec.Command("ip", append(options, "-batch", "-")...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", strings.Join(options, " "), err, out)
	}
}
