package pcp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
)

// Secret is what the nonces of all mappings of this host are made from. Whoever knows
// it can remove them. It is the only thing of PCP that has to survive a restart.
type Secret [32]byte

// NewSecret makes a Secret that nobody can guess.
func NewSecret() Secret {
	var s Secret
	_, _ = rand.Read(s[:]) // never fails (crypto/rand)
	return s
}

// nonce is 96 bits (section 11.1) that nobody else can guess, and the same ones for
// a mapping whenever it is asked for. A mapping is told by its protocol and its
// internal address and port.
func (s Secret) nonce(protocol byte, internal netip.AddrPort) nonce {
	address := internal.Addr().As16()
	port := internal.Port()
	mac := hmac.New(sha256.New, s[:])
	mac.Write([]byte{protocol, byte(port >> 8), byte(port)}) // a hash never fails
	mac.Write(address[:])
	return nonce(mac.Sum(nil))
}
