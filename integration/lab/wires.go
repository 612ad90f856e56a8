//go:build linux

package lab

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A nic is one network interface of a host, plugged into a bridge.
type nic struct {
	host         *Host
	name, bridge string
	addrs        []string
	// via is the default route through this interface; "": none.
	via string
}

// port is the other end of the interface's cable, on the bridge.
func (n nic) port() string { return n.host.Name + "-" + n.name }

func (l *Lab) nics() []nic {
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
		inside := l.options.Carrier.Addr().Next()
		all = append(all,
			nic{l.carrier.Host, "wan", "inet", []string{l.carrier.wan.String()}, ""},
			nic{l.carrier.Host, "lan", "carrier", []string{fmt.Sprintf("%s/%d", inside, l.options.Carrier.Bits())}, ""})
		wan.bridge, wan.via = "carrier", inside.String()
	}
	return append(all, wan)
}

// wire makes the namespaces, the bridges and the cables.
func (l *Lab) wire(t testing.TB) {
	t.Helper()
	var all []string
	for _, ns := range l.names() {
		all = append(all, "netns add "+ns)
	}
	var bridges []string
	for _, name := range []string{"inet", "home", "away", "carrier"} {
		// Without snooping a bridge floods multicast, which SSDP needs.
		bridges = append(bridges, "link add name "+name+" type bridge mcast_snooping 0", "link set dev "+name+" up")
	}
	perHost := map[*Host][]string{}
	for _, n := range l.nics() {
		all = append(all, fmt.Sprintf("link add %s netns %s type veth peer name %s netns %s", n.name, n.host.namespace, n.port(), l.wires.namespace))
		bridges = append(bridges, fmt.Sprintf("link set %s master %s up", n.port(), n.bridge))
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
	ipBatch(t, bridges, "-n", l.wires.namespace)
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
