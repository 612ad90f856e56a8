package natpmp

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// version is NAT-PMP's (section 3.1); PCP is version 2 at the same place.
const version = 0

// The opcodes of requests (sections 3.2 and 3.3); an answer has answerBit besides.
const (
	opAddress = 0
	opMapTCP  = 2
	answerBit = 128
)

// Offsets of the fields that all messages have (section 3.5 for the last two, which
// only answers have).
const (
	offVersion = 0
	offOpcode  = 1
	offResult  = 2 // 16 bits
	offEpoch   = 4 // 32 bits, seconds
	sizeHeader = 8
)

// The external address in an answer (section 3.2).
const (
	offAddress  = 8 // 32 bits
	sizeAddress = 12
)

// Offsets in a request to map (section 3.3).
const (
	offReqInternal = 4 // 16 bits
	offReqExternal = 6 // 16 bits
	offReqLifetime = 8 // 32 bits, seconds
	sizeMapRequest = 12
)

// Offsets in the answer to it (section 3.3).
const (
	offInternal = 8  // 16 bits
	offExternal = 10 // 16 bits
	offLifetime = 12 // 32 bits, seconds
	sizeMapped  = 16
)

// addressRequest asks for the external address (section 3.2).
func addressRequest() []byte { return []byte{offVersion: version, offOpcode: opAddress} }

// mapRequest asks for a mapping of a TCP port (section 3.3), or for its removal when
// external and lifetime are zero (section 3.4).
func mapRequest(internal, external uint16, lifetime uint32) []byte {
	b := make([]byte, sizeMapRequest)
	b[offVersion], b[offOpcode] = version, opMapTCP
	binary.BigEndian.PutUint16(b[offReqInternal:], internal)
	binary.BigEndian.PutUint16(b[offReqExternal:], external)
	binary.BigEndian.PutUint32(b[offReqLifetime:], lifetime)
	return b
}

// answer is what a gateway says. Which of the last fields it has depends on the
// request.
type answer struct {
	version byte // not 0: it speaks PCP alone, and result is codeVersion
	result  Code
	epoch   uint32

	address            netip.Addr
	internal, external uint16
	lifetime           uint32
}

// parse reads the answer to a request, if b is one. Bytes that follow it are ignored,
// as those of a later version of the protocol may be.
func parse(b, request []byte) (answer, bool) {
	if len(b) < sizeHeader || b[offOpcode] != request[offOpcode]|answerBit {
		return answer{}, false
	}
	a := answer{
		version: b[offVersion],
		result:  Code(binary.BigEndian.Uint16(b[offResult:])),
		epoch:   binary.BigEndian.Uint32(b[offEpoch:]),
	}
	if a.version != version {
		// A server of PCP alone refuses our version in its own format (RFC
		// 6887, section 9), where the low byte of the result is the result.
		a.result &= 0xff
		return answer{version: a.version, result: a.result}, a.result == codeVersion
	}
	switch {
	case request[offOpcode] == opAddress && len(b) >= sizeAddress:
		a.address = netip.AddrFrom4([4]byte(b[offAddress:]))
		return a, true
	case request[offOpcode] == opMapTCP && len(b) >= sizeMapped:
		a.internal = binary.BigEndian.Uint16(b[offInternal:])
		a.external = binary.BigEndian.Uint16(b[offExternal:])
		a.lifetime = binary.BigEndian.Uint32(b[offLifetime:])
		return a, a.internal == binary.BigEndian.Uint16(request[offReqInternal:])
	}
	// Some errors have the header only (section 3.5).
	return a, a.result != codeSuccess
}

// IsAnnouncement says whether b tells everybody a gateway's external address, as
// gateways do when it changes and when they have started (section 3.2.1).
func IsAnnouncement(b []byte) bool {
	a, ok := parse(b, addressRequest())
	return ok && a.version == version && a.result == codeSuccess
}

// longestLease is asked for when a mapping shall never end: NAT-PMP knows no such
// one, and RFC 6887 (section 15) advises servers to grant no more than a day.
const longestLease = 24 * time.Hour

// Seconds is a lease as NAT-PMP and PCP count it: in full seconds, and never zero,
// which would remove the mapping.
func Seconds(lease time.Duration) uint32 {
	if lease <= 0 || lease > longestLease {
		lease = longestLease
	}
	return uint32((lease + time.Second - 1) / time.Second)
}
