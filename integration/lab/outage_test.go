//go:build linux

package lab

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPowerCutForgetsMappingsAndMayChangeTheAddress(t *testing.T) {
	t.Parallel()
	l := New(t, Options{UPnP: IGD2, PMP: true})
	for _, wan := range []netip.Addr{WANAddr, netip.MustParseAddr("11.22.7.7")} {
		mapPort(t, l.Server, ServerAddr)
		l.PowerOff(t)
		if conn, err := l.Server.Dial(l.STUN[0]); err == nil {
			conn.Close()
			t.Error("the server reaches the internet through a router without power")
		}
		l.PowerOn(t, wan)
		if got := l.Router.Rules(t); len(got) != 0 {
			t.Errorf("rules after a power cut: got %v, want none", got)
		}
		if got := reflexive(t, l.Server, l.STUN[0]); got != wan {
			t.Errorf("STUN server sees %v, want %v", got, wan)
		}
	}
}

func TestRouterRefuses(t *testing.T) {
	t.Parallel()
	l := New(t, Options{UPnP: IGD1, Refuses: true})
	if out, err := l.Server.Try(l.Server.Command("upnpc", "-a", ServerAddr.String(), "2121", "2121", "TCP")); err == nil {
		t.Errorf("upnpc mapped a port:\n%s", out)
	}
	if got := l.Router.Rules(t); len(got) != 0 {
		t.Errorf("rules: got %v, want none", got)
	}
}

func TestServerMoves(t *testing.T) {
	t.Parallel()
	l := New(t, Options{UPnP: IGD1})
	to := netip.MustParseAddr("192.168.77.11")
	l.MoveServer(t, ServerAddr, to)
	mapPort(t, l.Server, to)
	want := []Rule{{External: 2121, To: netip.AddrPortFrom(to, 2121)}}
	if got := l.Router.Rules(t); !slices.Equal(got, want) {
		t.Errorf("rules: got %v, want %v", got, want)
	}
}

func TestPPPoESwallowsWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	l := New(t, Options{PPPoE: true, Forwarded: []string{"2121"}})
	listener := listen(t, l.Server, control)
	there, err := l.Internet.Dial(netip.AddrPortFrom(WANAddr, 2121))
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	here, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	for _, size := range []int{1000, 3000} {
		if _, err := here.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		// Whatever fits comes at once; a retransmission won't fit either.
		if err := there.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := there.Read(make([]byte, size))
		if passed := err == nil; passed != (size == 1000) {
			t.Errorf("of %d bytes %d arrived: %v", size, n, err)
		}
	}
}

func TestPinholeLetsIPv6In(t *testing.T) {
	t.Parallel()
	l := New(t, Options{UPnP: IGD2, IPv6: true})
	six := netip.AddrPortFrom(ServerPublic6, 2121)
	if conn, err := l.Internet.Dial(six); err == nil {
		conn.Close()
		t.Error("the internet comes in without a pinhole")
	}
	if out := l.Server.Run(t, "upnpc", "-6", "-A", "", "0", ServerPublic6.String(), "2121", "6", "600"); !strings.Contains(out, "Pinhole ID") {
		t.Fatalf("upnpc opened no pinhole:\n%s", out)
	}
	if got, want := l.Router.Pinholes(t), []netip.AddrPort{six}; !slices.Equal(got, want) {
		t.Errorf("pinholes: got %v, want %v", got, want)
	}
	if from := accepted(t, l.Server, six, l.Internet, six); from != InternetPublic6 {
		t.Errorf("server sees a client from %v, want %v", from, InternetPublic6)
	}
}

// mapPort has port 2121 forwarded to the host that asks.
func mapPort(t *testing.T, h *Host, own netip.Addr) {
	t.Helper()
	h.Run(t, "upnpc", "-a", own.String(), "2121", "2121", "TCP", "600")
}
