//go:build linux

package lab

import (
	"net/netip"
	"testing"
)

// PowerOff takes the power from the server's router. All that it forwarded on
// request is forgotten. It is also the switch of the home: nobody there has a link.
func (l *Lab) PowerOff(t testing.TB) {
	t.Helper()
	if l.gateway != nil {
		l.gateway.kill()
	}
	l.link(t, "down")
	for _, chain := range []string{"upnp_nat", "upnp_post", "upnp_forward"} {
		l.Router.Run(t, "nft", "flush", "chain", "inet", "filter", chain)
	}
	l.Router.Run(t, "conntrack", "-F")
}

// PowerOn gives it back. The provider gives the router a WAN address, the old one or
// another. What is started lives as long as t.
func (l *Lab) PowerOn(t testing.TB, wan netip.Addr) {
	t.Helper()
	if wan != l.Router.WAN() {
		l.Router.ChangeWAN(t, wan)
	}
	l.link(t, "up")
	l.startGateway(t)
}

// link takes the cables out of the server's router and its switch, or plugs them in.
func (l *Lab) link(t testing.TB, state string) {
	t.Helper()
	var lines []string
	for _, n := range l.nics() {
		if n.bridge == "home" || n.host == l.Router.Host {
			lines = append(lines, "link set "+n.port()+" "+state)
		}
	}
	ipBatch(t, lines, "-n", l.wires.namespace)
}

// MoveServer gives the server another address in its LAN, as DHCP may do.
func (l *Lab) MoveServer(t testing.TB, from, to netip.Addr) {
	t.Helper()
	l.Server.Run(t, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries")
	ipBatch(t, []string{
		"addr add " + to.String() + "/24 dev eth0",
		"addr del " + from.String() + "/24 dev eth0",
	}, "-n", l.Server.namespace)
}

// blackHole makes the router's line as narrow as PPPoE's, and silent about it. Nobody
// on the way may put packets together, or larger ones would pass as one.
func (l *Lab) blackHole(t testing.TB) {
	t.Helper()
	l.Router.Run(t, "ip", "link", "set", "dev", "wan", "mtu", "1492")
	const silence = "add chain inet filter output { type filter hook output priority filter; };" +
		"add rule inet filter output icmp type destination-unreachable drop"
	l.Router.Run(t, "nft", silence)
	const apart = `for device in $(ls /sys/class/net | grep -v "^lo$"); do ethtool -K $device tso off gso off gro off || true; done`
	for _, h := range []*Host{l.Internet, l.wires, l.Router.Host, l.Server} {
		h.Run(t, "sh", "-c", apart)
	}
}

// publicIPv6 connects the internet and the home by IPv6.
func (l *Lab) publicIPv6(t testing.TB) {
	t.Helper()
	l.Router.Run(t, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
	for _, host := range []struct {
		*Host
		lines []string
	}{
		{l.Router.Host, []string{"addr add 2a02:77::1/64 dev wan nodad", "addr add 2a02:77:1::1/64 dev lan nodad"}},
		{l.Internet, []string{"addr add 2a02:77::10/64 dev eth0 nodad", "route add 2a02:77:1::/64 via 2a02:77::1"}},
		{l.Server, []string{"addr add 2a02:77:1::10/64 dev eth0 nodad", "route add default via 2a02:77:1::1"}},
	} {
		ipBatch(t, host.lines, "-n", host.namespace)
	}
}
