//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pion/stun/v3"
)

var (
	wan21   = netip.AddrPortFrom(WANAddr, 21)
	control = netip.AddrPortFrom(ServerAddr, 2121)
)

func TestRouterForwardsWhatUPnPClientsAskFor(t *testing.T) {
	for _, version := range []UPnP{IGD1, IGD2} {
		t.Run("IGD"+string(version), func(t *testing.T) {
			t.Parallel()
			l := New(t, Options{UPnP: version})
			out := l.Server.Run(t, "upnpc", "-a", ServerAddr.String(), "2121", "2121", "TCP", "600")
			if want := "ExternalIPAddress = " + WANAddr.String(); !strings.Contains(out, want) {
				t.Errorf("upnpc printed no %q:\n%s", want, out)
			}
			want := []Rule{{External: 2121, To: control}}
			if got := l.Router.Rules(t); !slices.Equal(got, want) {
				t.Errorf("rules: got %v, want %v", got, want)
			}
			const url = "http://192.168.77.1:5000/rootDesc.xml"
			if desc := l.Server.Run(t, "curl", "-sS", url); !strings.Contains(desc, "InternetGatewayDevice:"+string(version)) {
				t.Errorf("description names no IGD:%s:\n%s", version, desc)
			}
			l.Server.Run(t, "upnpc", "-u", url, "-d", "2121", "TCP")
			if got := l.Router.Rules(t); len(got) != 0 {
				t.Errorf("rules after removal: got %v, want none", got)
			}
		})
	}
}

func TestForwardedPortLeadsToTheServerAndOthersNowhere(t *testing.T) {
	t.Parallel()
	l := New(t, Options{Forwarded: []string{"21", "2020-2029"}, Hairpin: []string{"2021"}})
	if from := accepted(t, l.Server, netip.AddrPortFrom(ServerAddr, 21), l.Internet, wan21); from != InternetAddr {
		t.Errorf("server sees a client from %v, want %v", from, InternetAddr)
	}
	if from := accepted(t, l.Server, netip.AddrPortFrom(ServerAddr, 2021), l.Neighbour, netip.AddrPortFrom(WANAddr, 2021)); from != RouterAddr {
		t.Errorf("server sees a neighbour that comes in through the WAN address from %v, want %v", from, RouterAddr)
	}
	listen(t, l.Server, control)
	if conn, err := l.Internet.Dial(netip.AddrPortFrom(ServerAddr, 2121)); err == nil {
		conn.Close()
		t.Error("the internet reaches a LAN address")
	}
}

func TestRouterTranslatesAndItsAddressChanges(t *testing.T) {
	t.Parallel()
	l := New(t, Options{})
	for _, want := range []netip.Addr{WANAddr, netip.MustParseAddr("11.22.7.7")} {
		if want != l.Router.WAN() {
			l.Router.ChangeWAN(t, want)
		}
		for _, server := range l.STUN {
			if got := reflexive(t, l.Server, server); got != want {
				t.Errorf("STUN server %v sees %v, want %v", server, got, want)
			}
		}
	}
	if got := reflexive(t, l.Guest, l.STUN[0]); got != AwayWANAddr {
		t.Errorf("STUN server sees the guest as %v, want %v", got, AwayWANAddr)
	}
}

func TestCarrierHidesTheRouter(t *testing.T) {
	t.Parallel()
	l := New(t, Options{UPnP: IGD1, Carrier: netip.MustParsePrefix("100.64.0.0/24")})
	if got := reflexive(t, l.Server, l.STUN[0]); got != carrierWAN {
		t.Errorf("STUN server sees %v, want the carrier's %v", got, carrierWAN)
	}
	// miniupnpd serves no mapping on a reserved WAN address.
	if out, err := l.Server.Try(l.Server.Command("upnpc", "-a", ServerAddr.String(), "2121", "2121", "TCP")); err == nil {
		t.Errorf("upnpc mapped a port behind a carrier:\n%s", out)
	}
}

func TestALGWatchesPort21(t *testing.T) {
	t.Parallel()
	l := New(t, Options{ALG: true, Forwarded: []string{"21"}})
	accepted(t, l.Server, netip.AddrPortFrom(ServerAddr, 21), l.Guest, wan21)
	for _, r := range []*Router{l.Router, l.AwayRouter} {
		if table := r.Run(t, "conntrack", "-L", "-p", "tcp", "--dport", "21"); !strings.Contains(table, "helper=ftp") {
			t.Errorf("%s tracks port 21 without its helper:\n%s", r.Name, table)
		}
	}
}

func TestLANSpeaksIPv6(t *testing.T) {
	t.Parallel()
	l := New(t, Options{})
	six := netip.AddrPortFrom(ServerAddr6, 2121)
	if from := accepted(t, l.Server, six, l.Neighbour, six); from != NeighbourAddr6 {
		t.Errorf("server sees a neighbour from %v, want %v", from, NeighbourAddr6)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	var prefix string
	t.Run("lab", func(t *testing.T) { prefix = New(t, Options{UPnP: IGD2}).prefix })
	if prefix == "" {
		t.Skip("no lab here")
	}
	left, err := filepath.Glob(filepath.Join(namespaces, prefix+"*"))
	if err != nil || len(left) != 0 {
		t.Errorf("namespaces left: %v (%v)", left, err)
	}
}

func TestLabsOfDeadRunsAreRemoved(t *testing.T) {
	require(t)
	run := exec.Command("true")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Wait() }) // until then it is a zombie
	stale := fmt.Sprintf("%s%d-dead-server", namePrefix, run.Process.Pid)
	ipBatch(t, []string{"netns add " + stale})
	t.Cleanup(func() { deleteNamespaces(t, []string{stale}) })
	Await(t, readyWithin, func() error {
		removeStale(t)
		if _, err := os.Stat(filepath.Join(namespaces, stale)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("namespace %s of a dead run: got %v, want it gone", stale, err)
		}
		return nil
	})
}

// listen listens on a host until the test ends.
func listen(t *testing.T, h *Host, on netip.AddrPort) net.Listener {
	t.Helper()
	listener, err := h.Listen(on)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// accepted lets a client dial a server and says whom the server sees. The
// connection stays open until the test ends.
func accepted(t *testing.T, server *Host, on netip.AddrPort, client *Host, to netip.AddrPort) netip.Addr {
	t.Helper()
	listener := listen(t, server, on)
	conn, err := client.Dial(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return peer.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
}

// reflexive asks a STUN server, over TCP (RFC 8489, section 6.2.2).
func reflexive(t *testing.T, h *Host, server netip.AddrPort) netip.Addr {
	t.Helper()
	conn, err := h.Dial(server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	if _, err := conn.Write(request.Raw); err != nil {
		t.Fatal(err)
	}
	answer := stun.New()
	if _, err := answer.ReadFrom(conn); err != nil {
		t.Fatal(err)
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(answer); err != nil {
		t.Fatal(err)
	}
	addr, _ := netip.AddrFromSlice(mapped.IP)
	return addr.Unmap()
}
