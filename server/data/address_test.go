package data

import (
	"net"
	"net/netip"
	"testing"
)

func TestAPeerIsItsAddressAlone(t *testing.T) {
	for peer, want := range map[string]string{
		"192.0.2.1:5":          "192.0.2.1",
		"[::ffff:192.0.2.1]:5": "192.0.2.1",
		"[2001:db8::1]:5":      "2001:db8::1",
		"[fe80::1%eth0]:5":     "fe80::1",
	} {
		if got := addrOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(peer))); got.String() != want {
			t.Errorf("%s: got %s, want %s", peer, got, want)
		}
	}
}
