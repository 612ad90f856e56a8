package pcp

import (
	"net/netip"
	"testing"
)

func TestNoncesAreOfOneMappingAndOneSecret(t *testing.T) {
	internal := netip.MustParseAddrPort("192.168.77.10:2121")
	secret, other := NewSecret(), NewSecret()
	want := secret.nonce(protocolTCP, internal)
	if got := secret.nonce(protocolTCP, internal); got != want {
		t.Errorf("asked again, the nonce is % x, want % x", got, want)
	}
	for name, got := range map[string]nonce{
		"secret":   other.nonce(protocolTCP, internal),
		"protocol": secret.nonce(protocolUDP, internal),
		"port":     secret.nonce(protocolTCP, netip.MustParseAddrPort("192.168.77.10:2122")),
		"address":  secret.nonce(protocolTCP, netip.MustParseAddrPort("192.168.77.11:2121")),
	} {
		if got == want {
			t.Errorf("another %s has the same nonce", name)
		}
	}
}

func TestNoncesStayTheSameInLaterVersions(t *testing.T) {
	// Mappings that an older version made must be renewed by a newer one.
	got := Secret{1, 2, 3}.nonce(protocolTCP, netip.MustParseAddrPort("192.168.77.10:2121"))
	if want := nonce(octets(t, "e48cddfcb19575cdef1ff55d")); got != want {
		t.Errorf("got % x, want % x", got, want)
	}
}
