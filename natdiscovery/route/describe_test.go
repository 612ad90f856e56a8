package route

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const (
	up      = net.FlagUp | net.FlagRunning | net.FlagMulticast
	tunnel  = up | net.FlagPointToPoint
	noCable = net.FlagUp
)

// nic is a link with addresses written as text.
func nic(name string, index int, flags net.Flags, addrs ...string) link {
	l := link{name: name, index: index, flags: flags}
	for _, a := range addrs {
		l.addrs = append(l.addrs, netip.MustParsePrefix(a))
	}
	return l
}

// via is a default route. router "": the route names an interface only.
func via(router string, index, metric int) defaultRoute {
	addr, _ := netip.ParseAddr(router)
	return defaultRoute{index: index, router: addr, metric: metric}
}

func TestDefaultRouteIsChosen(t *testing.T) {
	loopback := nic("lo", 1, up|net.FlagLoopback, "127.0.0.1/8", "::1/128")
	wired := nic("eth0", 2, up, "192.168.77.10/24")
	wireless := nic("wlan0", 3, up, "10.0.0.5/8")
	fromSource := via("192.168.77.1", 2, 0)
	fromSource.source = netip.MustParseAddr("192.168.77.99")
	tests := []struct {
		name                     string
		links                    []link
		routes                   []defaultRoute
		interfaceName            string
		wantLocal, wantRouterAdd string
	}{
		{"no interface", nil, nil, "", "", ""},
		{"loopback alone", []link{loopback}, nil, "", "", ""},
		{"one route", []link{loopback, wired}, []defaultRoute{via("192.168.77.1", 2, 100)}, "eth0", "192.168.77.10", "192.168.77.1"},
		{"the lowest metric wins", []link{wired, wireless}, []defaultRoute{via("192.168.77.1", 2, 600), via("10.0.0.1", 3, 100)}, "wlan0", "10.0.0.5", "10.0.0.1"},
		{"the first of equals wins", []link{wireless, wired}, []defaultRoute{via("192.168.77.1", 2, 0), via("10.0.0.1", 3, 0)}, "eth0", "192.168.77.10", "192.168.77.1"},
		{
			"an interface that is down is passed over", []link{nic("eth0", 2, 0, "192.168.77.10/24"), wireless},
			[]defaultRoute{via("192.168.77.1", 2, 0), via("10.0.0.1", 3, 100)}, "wlan0", "10.0.0.5", "10.0.0.1",
		},
		{
			"an interface without a cable is passed over", []link{nic("eth0", 2, noCable, "192.168.77.10/24"), wireless},
			[]defaultRoute{via("192.168.77.1", 2, 0), via("10.0.0.1", 3, 100)}, "wlan0", "10.0.0.5", "10.0.0.1",
		},
		{
			"a container bridge is passed over", []link{nic("docker0", 2, up, "172.17.0.1/16"), wireless},
			[]defaultRoute{via("172.17.0.2", 2, 0), via("10.0.0.1", 3, 100)}, "wlan0", "10.0.0.5", "10.0.0.1",
		},
		{"a route through an interface that went away", []link{wired}, []defaultRoute{via("10.0.0.1", 9, 0)}, "eth0", "192.168.77.10", ""},
		{"a route without a router", []link{nic("ppp0", 2, tunnel, "11.22.0.7/32")}, []defaultRoute{via("", 2, 0)}, "ppp0", "11.22.0.7", ""},
		{
			"of several addresses the one in the router's prefix", []link{nic("eth0", 2, up, "fd00::1/64", "10.1.1.1/24", "192.168.77.10/24")},
			[]defaultRoute{via("192.168.77.1", 2, 0)}, "eth0", "192.168.77.10", "192.168.77.1",
		},
		{
			"the first address for a router outside all prefixes", []link{nic("eth0", 2, up, "10.1.1.1/32", "10.2.2.2/32")},
			[]defaultRoute{via("192.168.77.1", 2, 0)}, "eth0", "10.1.1.1", "192.168.77.1",
		},
		{"the address that the route names", []link{wired}, []defaultRoute{fromSource}, "eth0", "192.168.77.99", "192.168.77.1"},
		{"an interface with IPv6 only", []link{nic("eth0", 2, up, "fd00::1/64")}, []defaultRoute{via("192.168.77.1", 2, 0)}, "eth0", "", "192.168.77.1"},
		{
			"without a route the first LAN is guessed",
			[]link{loopback, nic("docker0", 4, up, "172.17.0.1/16"), nic("tun0", 5, tunnel, "10.8.0.2/24"), nic("usb0", 6, up, "169.254.7.7/16"), wired},
			nil, "eth0", "192.168.77.10", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := describe(tt.links, tt.routes, nil)
			wantLocal, _ := netip.ParseAddr(tt.wantLocal)
			wantRouter, _ := netip.ParseAddr(tt.wantRouterAdd)
			if got.Interface != tt.interfaceName || got.Local != wantLocal || got.Router != wantRouter {
				t.Errorf("got interface %q, local %v, router %v, want %q, %v, %v",
					got.Interface, got.Local, got.Router, tt.interfaceName, wantLocal, wantRouter)
			}
			for _, l := range tt.links {
				if l.name == got.Interface && l.index != got.Index {
					t.Errorf("got index %d, want %d", got.Index, l.index)
				}
			}
		})
	}
}

func TestPrefixesAndAddressesAreCollected(t *testing.T) {
	tests := []struct {
		name        string
		links       []link
		lans, addrs string
	}{
		{"nothing but link-local", nil, "fe80::/10", ""},
		{"loopback is ours but no LAN", []link{nic("lo", 1, up|net.FlagLoopback, "127.0.0.1/8")}, "fe80::/10", "127.0.0.1"},
		{"an interface that is down counts for nothing", []link{nic("eth0", 2, 0, "192.168.77.10/24")}, "fe80::/10", ""},
		{
			"prefixes are masked and sorted", []link{nic("wlan0", 3, up, "192.168.77.10/24"), nic("eth0", 2, up, "10.1.2.3/8")},
			"10.0.0.0/8 192.168.77.0/24 fe80::/10", "10.1.2.3 192.168.77.10",
		},
		{
			"IPv6 prefixes, link-local ones folded", []link{nic("eth0", 2, up, "fe80::1/64", "fd12::1/64", "2a00:1::5/64")},
			"2a00:1::/64 fd12::/64 fe80::/10", "2a00:1::5 fd12::1",
		},
		{"two addresses of one prefix", []link{nic("eth0", 2, up, "10.0.0.1/24", "10.0.0.2/24")}, "10.0.0.0/24 fe80::/10", "10.0.0.1 10.0.0.2"},
		{"containers are neighbours, even when none runs", []link{nic("docker0", 2, noCable, "172.17.0.1/16")}, "172.17.0.0/16 fe80::/10", "172.17.0.1"},
		{"so are the hosts of a VPN", []link{nic("wg0", 2, tunnel, "10.8.0.2/24")}, "10.8.0.0/24 fe80::/10", "10.8.0.2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := describe(tt.links, nil, nil)
			if lans := join(got.LANs); lans != tt.lans {
				t.Errorf("got LANs %q, want %q", lans, tt.lans)
			}
			if addrs := join(got.Addrs); addrs != tt.addrs {
				t.Errorf("got addresses %q, want %q", addrs, tt.addrs)
			}
		})
	}
}

// via6 is a default route of IPv6.
func via6(router string, index, metric int) defaultRoute {
	r := via(router, index, metric)
	r.ipv6 = true
	return r
}

func TestIPv6RouterIsThatOfTheSameInterface(t *testing.T) {
	home := nic("eth0", 2, up, "192.168.77.10/24", "2a00:1::10/64")
	other := nic("wg0", 3, tunnel, "2a00:2::10/64")
	for _, tt := range []struct {
		name   string
		routes []defaultRoute
		want   string
	}{
		{"none", []defaultRoute{via("192.168.77.1", 2, 0)}, "invalid IP"},
		{"a link-local one has its zone", []defaultRoute{via("192.168.77.1", 2, 0), via6("fe80::1", 2, 1024)}, "fe80::1%eth0"},
		{"a global one has none", []defaultRoute{via("192.168.77.1", 2, 0), via6("2a00:1::1", 2, 1024)}, "2a00:1::1"},
		{"the lowest metric wins", []defaultRoute{via("192.168.77.1", 2, 0), via6("fe80::2", 2, 1024), via6("fe80::1", 2, 512)}, "fe80::1%eth0"},
		{"a tunnel's is not the home router's", []defaultRoute{via("192.168.77.1", 2, 0), via6("fe80::1", 2, 1024), via6("fe80::9", 3, 1)}, "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe([]link{home, other}, tt.routes, nil).Router6.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLastingAddressesAreThoseThatDoNotPass(t *testing.T) {
	links := []link{nic("eth0", 2, up, "192.168.77.10/24", "2a00:1::10/64", "2a00:1::7a/64", "fe80::10/64")}
	got := describe(links, nil, []netip.Addr{netip.MustParseAddr("2a00:1::7a")})
	if lasting := join(got.Lasting); lasting != "2a00:1::10" {
		t.Errorf("got lasting addresses %q, want %q", lasting, "2a00:1::10")
	}
	if addrs := join(got.Addrs); addrs != "192.168.77.10 2a00:1::10 2a00:1::7a" {
		t.Errorf("got addresses %q", addrs)
	}
}

// join writes a list with spaces.
func join[T interface{ String() string }](list []T) string {
	var words []string
	for _, v := range list {
		words = append(words, v.String())
	}
	return strings.Join(words, " ")
}

func TestContainersAreToldByTheirNames(t *testing.T) {
	for name, want := range map[string]bool{
		"docker0": true, "br-0123456789ab": true, "veth1a2b3c4": true, "podman0": true, "cni0": true, "cni-podman0": true, "virbr0": true,
		"eth0": false, "br0": false, "br-lan": false, "veth0": false, "vethlan": false, "wg0": false, "mydocker0": false,
	} {
		if got := container.MatchString(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestEqualSeesEveryDifference(t *testing.T) {
	home := describe([]link{nic("eth0", 2, up, "192.168.77.10/24")}, []defaultRoute{via("192.168.77.1", 2, 0)}, nil)
	same := home
	same.LANs, same.Addrs = slices.Clone(home.LANs), slices.Clone(home.Addrs)
	if !home.Equal(same) {
		t.Errorf("got %+v unequal to its copy", home)
	}
	for name, change := range map[string]func(*Network){
		"interface": func(n *Network) { n.Interface = "eth1" },
		"index":     func(n *Network) { n.Index++ },
		"local":     func(n *Network) { n.Local = n.Local.Next() },
		"router":    func(n *Network) { n.Router = n.Router.Next() },
		"LANs":      func(n *Network) { n.LANs = n.LANs[1:] },
		"addresses": func(n *Network) { n.Addrs = nil },
		"IPv6":      func(n *Network) { n.Router6 = linkLocal6.Addr() },
		"lasting":   func(n *Network) { n.Lasting = n.Addrs },
	} {
		other := home
		if change(&other); home.Equal(other) {
			t.Errorf("another %s: got equal, want different", name)
		}
	}
}
