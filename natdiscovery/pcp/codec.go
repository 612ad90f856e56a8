package pcp

import (
	"encoding/binary"
	"net/netip"
)

// version is PCP's (section 7.1); NAT-PMP is version 0 at the same place.
const version = 2

// The opcodes (sections 14.1 and 11.1); a response has responseBit besides (section
// 7.2).
const (
	opAnnounce  = 0
	opMap       = 1
	responseBit = 128
)

// Offsets of the fields of both headers (sections 7.1 and 7.2).
const (
	offVersion  = 0
	offOpcode   = 1
	offResult   = 3  // 8 bits, responses
	offLifetime = 4  // 32 bits, seconds
	offClient   = 8  // 128 bits, requests
	offEpoch    = 8  // 32 bits, seconds, responses
	sizeVersion = 4  // enough to tell a version that is not ours
	sizeHeader  = 24 // of both
)

// maxMessage is the longest message; all are multiples of 4 bytes long (section 7).
const maxMessage = 1100

// Offsets of the fields of MAP after the header, alike in requests and responses
// (section 11.1).
const (
	offNonce    = 0  // 96 bits
	offProtocol = 12 // 8 bits
	offInternal = 16 // 16 bits
	offExternal = 18 // 16 bits
	offAddress  = 20 // 128 bits
	sizeMap     = 36
)

// preferFailure is the option PREFER_FAILURE: code 2, no data (section 13.2). With
// it the gateway grants the very port that is suggested, or none.
var preferFailure = []byte{2, 0, 0, 0}

// Protocol numbers (IANA's list of protocol numbers).
const (
	protocolTCP = 6
	protocolUDP = 17
)

type nonce [12]byte

// mapping is the part of a MAP message after the header (section 11.1).
type mapping struct {
	nonce              nonce
	protocol           byte
	internal, external uint16
	// address is the external one, suggested or assigned; IPv4 is written as
	// IPv4-mapped IPv6 (section 5).
	address netip.Addr
}

// header is that of a request (section 7.1).
func header(opcode byte, lifetime uint32, client netip.Addr) []byte {
	b := make([]byte, sizeHeader, sizeHeader+sizeMap+len(preferFailure))
	b[offVersion], b[offOpcode] = version, opcode
	binary.BigEndian.PutUint32(b[offLifetime:], lifetime)
	address := client.As16()
	copy(b[offClient:], address[:])
	return b
}

// announceRequest asks whether a server is there (section 14.1.1).
func announceRequest(client netip.Addr) []byte { return header(opAnnounce, 0, client) }

// mapRequest asks for a mapping, or for its removal when lifetime, m.external and
// m.address are zero (section 15.1).
func mapRequest(client netip.Addr, lifetime uint32, m mapping, options []byte) []byte {
	return append(m.append(header(opMap, lifetime, client)), options...)
}

// append writes m behind a header.
func (m mapping) append(b []byte) []byte {
	part := [sizeMap]byte{offProtocol: m.protocol}
	copy(part[offNonce:], m.nonce[:])
	binary.BigEndian.PutUint16(part[offInternal:], m.internal)
	binary.BigEndian.PutUint16(part[offExternal:], m.external)
	address := m.address.As16()
	copy(part[offAddress:], address[:])
	return append(b, part[:]...)
}

// parseMapping reads what follows a header; b has sizeMap bytes at least.
func parseMapping(b []byte) mapping {
	return mapping{
		nonce:    nonce(b[offNonce:]),
		protocol: b[offProtocol],
		internal: binary.BigEndian.Uint16(b[offInternal:]),
		external: binary.BigEndian.Uint16(b[offExternal:]),
		address:  netip.AddrFrom16([16]byte(b[offAddress:])).Unmap(),
	}
}

// response is what a gateway says (section 7.2).
type response struct {
	version  byte // not 2: it does not speak PCP, and result is codeVersion
	result   Code
	lifetime uint32 // granted, or how long the error will last
	epoch    uint32
	mapping  mapping // in answers to MAP
}

// parse reads the response to a request, if b is one (sections 8.3 and 11.4).
func parse(b, request []byte) (response, bool) {
	if len(b) < sizeVersion || b[offOpcode] != request[offOpcode]|responseBit {
		return response{}, false
	}
	a := response{version: b[offVersion], result: Code(b[offResult])}
	if a.version != version {
		// Also NAT-PMP's, whose 16-bit result ends at the same byte (RFC
		// 6886, section 3.5; section 9).
		return a, a.result == codeVersion
	}
	if len(b) < sizeHeader || len(b) > maxMessage || len(b)%4 != 0 {
		return response{}, false
	}
	a.lifetime = binary.BigEndian.Uint32(b[offLifetime:])
	a.epoch = binary.BigEndian.Uint32(b[offEpoch:])
	if request[offOpcode] == opAnnounce {
		return a, true
	}
	if len(b) < sizeHeader+sizeMap {
		// Errors should copy the request (section 7.2), but a header is enough
		// to understand them.
		return a, a.result != codeSuccess
	}
	a.mapping = parseMapping(b[sizeHeader:])
	asked := parseMapping(request[sizeHeader:])
	return a, a.mapping.nonce == asked.nonce && a.mapping.protocol == asked.protocol &&
		a.mapping.internal == asked.internal
}

// isAnnouncement says whether b is what PCP servers tell everybody when they have
// started or lost their state (section 14.1.2).
func isAnnouncement(b []byte) bool {
	a, ok := parse(b, []byte{offVersion: version, offOpcode: opAnnounce})
	return ok && a.version == version && a.result == codeSuccess
}
