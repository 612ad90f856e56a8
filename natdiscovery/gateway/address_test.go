package gateway

import (
	"net/netip"
	"testing"
)

func TestAddressKinds(t *testing.T) {
	tests := []struct {
		addr                    string
		public, shared, private bool
	}{
		{addr: "11.22.0.1", public: true},
		{addr: "9.255.255.255", public: true},
		{addr: "10.0.0.0", private: true},
		{addr: "10.255.255.255", private: true},
		{addr: "11.0.0.0", public: true},
		{addr: "172.15.255.255", public: true},
		{addr: "172.16.0.1", private: true},
		{addr: "172.31.255.255", private: true},
		{addr: "172.32.0.0", public: true},
		{addr: "192.168.255.255", private: true},
		{addr: "192.169.0.0", public: true},
		{addr: "100.63.255.255", public: true},
		{addr: "100.64.0.0", shared: true},
		{addr: "100.127.255.255", shared: true},
		{addr: "100.128.0.0", public: true},
		{addr: "192.0.0.2", shared: true},
		{addr: "192.0.0.8"},
		{addr: "192.0.1.1", public: true},
		{addr: "192.0.2.1"},
		{addr: "192.88.99.1"},
		{addr: "198.17.255.255", public: true},
		{addr: "198.19.255.255"},
		{addr: "198.51.100.7"},
		{addr: "203.0.113.7"},
		{addr: "0.0.0.0"},
		{addr: "0.1.2.3"},
		{addr: "127.0.0.1"},
		{addr: "169.254.1.1"},
		{addr: "223.255.255.255", public: true},
		{addr: "224.0.0.1"},
		{addr: "240.0.0.1"},
		{addr: "255.255.255.255"},
		{addr: "::ffff:192.168.1.1", private: true},
		{addr: "::ffff:100.64.0.1", shared: true},
		{addr: "::ffff:11.22.0.1", public: true},
		{addr: "2a00:1450::1", public: true},
		{addr: "2001:db8::1"},
		{addr: "2001::1"},
		{addr: "2002:b16:1::1"},
		{addr: "3fff:1000::1", public: true},
		{addr: "3fff:fff::1"},
		{addr: "4000::1"},
		{addr: "64:ff9b::1"},
		{addr: "::"},
		{addr: "::1"},
		{addr: "fd12::1", private: true},
		{addr: "fe80::1%eth0"},
		{addr: "ff02::1"},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			addr := netip.MustParseAddr(tt.addr)
			if got := Public(addr); got != tt.public {
				t.Errorf("Public: got %v, want %v (%q)", got, tt.public, Special(addr))
			}
			if got := Shared(addr); got != tt.shared {
				t.Errorf("Shared: got %v, want %v", got, tt.shared)
			}
			if got := Private(addr); got != tt.private {
				t.Errorf("Private: got %v, want %v", got, tt.private)
			}
		})
	}
}

func TestNoAddressIsNothing(t *testing.T) {
	if Public(netip.Addr{}) || Shared(netip.Addr{}) || Private(netip.Addr{}) {
		t.Error("the zero address is public, shared or private; want none of them")
	}
}

func TestSpecialNamesThePurpose(t *testing.T) {
	for addr, want := range map[string]string{
		"192.168.1.1":     "private (RFC 1918)",
		"100.64.0.1":      "shared by a carrier (RFC 6598)",
		"192.0.0.2":       "shared by a carrier with DS-Lite (RFC 7335)",
		"192.0.0.9":       "IETF protocol assignment (RFC 6890)",
		"255.255.255.255": "limited broadcast (RFC 919)",
		"2001:0:1::1":     "Teredo (RFC 4380)",
		"4000::1":         "not assigned (RFC 4291)",
		"11.22.0.1":       "",
	} {
		if got := Special(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Special(%s): got %q, want %q", addr, got, want)
		}
	}
}

func TestExternal(t *testing.T) {
	for addr, want := range map[string]bool{
		"11.22.0.1":   true,
		"192.168.1.1": true,
		"100.64.0.1":  true,
		"0.0.0.0":     false,
		"0.1.2.3":     false,
		"127.0.0.1":   false,
		"169.254.1.1": false,
		"224.0.0.1":   false,
		"2a00::1":     false,
	} {
		if got := External(netip.MustParseAddr(addr)); got != want {
			t.Errorf("External(%s): got %v, want %v", addr, got, want)
		}
	}
	if External(netip.Addr{}) {
		t.Error("no address can be an external one")
	}
}
