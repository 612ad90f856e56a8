package route

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// enterNamespace moves the test to a network namespace of its own, for good: its
// thread ends with it. It returns a function that takes another goroutine there.
func enterNamespace(t *testing.T) (join func() error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes a network namespace")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("make a network namespace:", err)
		}
		t.Skip("needs a network namespace:", err)
	}
	namespace, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { namespace.Close() })
	return func() error {
		runtime.LockOSThread()
		return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
	}
}

// addLink makes an interface that is up, has a carrier and these addresses, in the
// namespace of the calling thread.
func addLink(t *testing.T, name string, addrs ...string) netlink.Link {
	t.Helper()
	signs, err := subscribe()
	must(t, err)
	defer signs.Close()
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name + "-peer"}))
	peer, err := netlink.LinkByName(name + "-peer")
	must(t, err)
	must(t, netlink.LinkSetUp(peer))
	l, err := netlink.LinkByName(name)
	must(t, err)
	must(t, netlink.LinkSetUp(l))
	// The carrier is noticed a moment later.
	for l.Attrs().RawFlags&unix.IFF_RUNNING == 0 {
		_, err := signs.Read(make([]byte, 1))
		must(t, err)
		l, err = netlink.LinkByName(name)
		must(t, err)
	}
	for _, a := range addrs {
		addAddr(t, l, a)
	}
	return l
}

// addAddr gives l an address, usable at once.
func addAddr(t *testing.T, l netlink.Link, address string) {
	t.Helper()
	a, err := netlink.ParseAddr(address)
	must(t, err)
	a.Flags = unix.IFA_F_NODAD
	must(t, netlink.AddrAdd(l, a))
}

// addDefault adds a default route.
func addDefault(t *testing.T, l netlink.Link, router string, metric int) {
	t.Helper()
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.ParseIP(router), Priority: metric}))
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCurrentReadsTheKernel(t *testing.T) {
	enterNamespace(t)
	empty, err := Current()
	must(t, err)
	if want := describe(nil, nil, nil); !empty.Equal(want) {
		t.Errorf("in an empty namespace: got %+v, want %+v", empty, want)
	}

	home := addLink(t, "home0", "192.168.77.10/24", "fd00:77::10/64")
	bridge := addLink(t, "docker0", "172.17.0.1/16")
	addDefault(t, home, "192.168.77.1", 100)
	addDefault(t, home, "192.168.77.2", 200)
	addDefault(t, bridge, "172.17.0.2", 1)
	addDefault(t, home, "fe80::1", 1024)
	passing, err := netlink.ParseAddr("2a00:77::7a/64")
	must(t, err)
	passing.Flags = unix.IFA_F_NODAD
	passing.ValidLft, passing.PreferedLft = 3600, 0 // deprecated
	must(t, netlink.AddrAdd(home, passing))
	got, err := Current()
	must(t, err)
	want := Network{
		Interface: "home0", Index: home.Attrs().Index,
		Local: netip.MustParseAddr("192.168.77.10"), Router: netip.MustParseAddr("192.168.77.1"),
		Router6: netip.MustParseAddr("fe80::1%home0"),
		LANs: []netip.Prefix{
			netip.MustParsePrefix("172.17.0.0/16"), netip.MustParsePrefix("192.168.77.0/24"),
			netip.MustParsePrefix("2a00:77::/64"), netip.MustParsePrefix("fd00:77::/64"), netip.MustParsePrefix("fe80::/10"),
		},
		Addrs: []netip.Addr{
			netip.MustParseAddr("172.17.0.1"), netip.MustParseAddr("192.168.77.10"),
			netip.MustParseAddr("2a00:77::7a"), netip.MustParseAddr("fd00:77::10"),
		},
		Lasting: []netip.Addr{netip.MustParseAddr("fd00:77::10")},
	}
	if !got.Equal(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestCurrentReadsMultipathRoutes(t *testing.T) {
	enterNamespace(t)
	first := addLink(t, "uplink0", "10.1.0.2/24")
	second := addLink(t, "uplink1", "10.2.0.2/24")
	all := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
	must(t, netlink.RouteAdd(&netlink.Route{Dst: all, MultiPath: []*netlink.NexthopInfo{
		{LinkIndex: first.Attrs().Index, Gw: net.IPv4(10, 1, 0, 1)},
		{LinkIndex: second.Attrs().Index, Gw: net.IPv4(10, 2, 0, 1)},
	}}))
	got, err := Current()
	must(t, err)
	if want := netip.MustParseAddr("10.1.0.1"); got.Router != want {
		t.Errorf("got router %v, want %v", got.Router, want)
	}

	must(t, netlink.LinkSetDown(first))
	got, err = Current()
	must(t, err)
	if want := netip.MustParseAddr("10.2.0.1"); got.Router != want {
		t.Errorf("with the first link down: got router %v, want %v", got.Router, want)
	}
}

func TestWatchHearsTheKernel(t *testing.T) {
	join := enterNamespace(t)
	home := addLink(t, "home0", "192.168.77.10/24")
	addDefault(t, home, "192.168.77.1", 100)

	ctx, cancel := context.WithCancel(t.Context())
	changed, ended, ready := make(chan struct{}, 1), make(chan error, 1), make(chan struct{})
	started := sync.OnceFunc(func() { close(ready) })
	k := kernel{subscribe: subscribe, current: func() (Network, error) {
		defer started()
		return Current()
	}}
	go func() {
		err := join()
		if err == nil {
			err = k.watch(ctx, func() {
				select {
				case changed <- struct{}{}:
				default:
				}
			})
		}
		ended <- err
	}()
	defer func() {
		cancel()
		must(t, <-ended)
	}()
	<-ready

	// Far below pollInterval, so that it is the kernel's message that is heard.
	const soon = pollInterval / 3
	for _, change := range []struct {
		name string
		make func()
	}{
		{"another address", func() { addAddr(t, home, "192.168.78.10/24") }},
		{"another default route", func() { addDefault(t, home, "192.168.77.2", 1) }},
		{"an IPv6 router", func() { addDefault(t, home, "fe80::1", 1024) }},
		{"an interface that is down", func() { must(t, netlink.LinkSetDown(home)) }},
	} {
		change.make()
		select {
		case <-changed:
		case <-time.After(soon):
			t.Errorf("%s: nothing reported after %v", change.name, soon)
		}
	}
}

func TestSubscriptionFailsWhenSignsAreLost(t *testing.T) {
	enterNamespace(t)
	home := addLink(t, "home0")
	signs, err := subscribe()
	must(t, err)
	defer signs.Close()
	// Far more than the socket's buffer holds, while nobody reads.
	addr := netip.MustParseAddr("10.0.0.1")
	for range 1000 {
		addAddr(t, home, addr.String()+"/32")
		addr = addr.Next()
	}
	must(t, signs.(*os.File).SetReadDeadline(time.Now().Add(pollInterval)))
	for err == nil {
		_, err = signs.Read(make([]byte, 1))
	}
	if !errors.Is(err, unix.ENOBUFS) {
		t.Errorf("got error %v, want %v", err, unix.ENOBUFS)
	}
}
