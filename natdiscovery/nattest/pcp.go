package nattest

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"
)

// The result codes of PCP that the fake finds by itself (RFC 6887, section 7.4).
const (
	pcpNotAuthorized = 2
	pcpMalformed     = 3
	pcpNoOpcode      = 4
	pcpNoOption      = 5
	pcpNetwork       = 7
	pcpNoResources   = 8
	pcpTaken         = 11
	pcpMismatch      = 12
)

// answerPCP is the answer to a request of version 2 (RFC 6887, section 8.2); nil:
// none. A response is the request with the header changed.
func (m *Mapper) answerPCP(request []byte, from netip.Addr) ([]byte, MapperBehaviour) {
	what := map[byte]string{0: "PCP ANNOUNCE", 1: "PCP MAP"}[request[1]]
	does, heard := m.hear(what)
	switch {
	case !heard, len(request) < 24, does.NoPCP && does.Deaf:
		return nil, does
	case does.NoPCP || request[0] != 2:
		// What a NAT-PMP gateway says (RFC 6886, section 3.5).
		refusal := []byte{0, 128 | request[1], 0, 1}
		return binary.BigEndian.AppendUint32(refusal, m.seconds(does)), does
	}
	answer := bytes.Clone(request)
	lifetime := time.Duration(binary.BigEndian.Uint32(request[4:])) * time.Second
	result := does.Results[what]
	client := from.As16()
	switch {
	case result != 0:
	case what == "":
		result = pcpNoOpcode
	case len(request)%4 != 0:
		result = pcpMalformed
	case !bytes.Equal(request[8:24], client[:]):
		result = pcpMismatch
	case what == "PCP MAP" && len(request) < 60:
		result = pcpMalformed
	case what == "PCP MAP":
		result, lifetime = m.mapPCP(answer, from, lifetime, does)
	}
	if result != 0 {
		lifetime = 30 * time.Second // as miniupnpd
	}
	copy(answer, []byte{2, 128 | request[1], 0, byte(result)})
	binary.BigEndian.PutUint32(answer[4:], uint32(lifetime/time.Second))
	binary.BigEndian.PutUint32(answer[8:], m.seconds(does))
	clear(answer[12:24])
	if result != 0 && does.ShortErrors {
		answer = answer[:24]
	}
	return answer, does
}

// mapPCP does what a MAP request asks for, writes the external address and port into
// the answer, and returns the result and the lifetime (sections 11.3 and 15).
func (m *Mapper) mapPCP(answer []byte, from netip.Addr, lifetime time.Duration, does MapperBehaviour) (int, time.Duration) {
	// The layout of section 11.1, behind the header.
	id, protocol, port := string(answer[24:36]), answer[36], binary.BigEndian.Uint16(answer[40:])
	external, options := binary.BigEndian.Uint16(answer[42:]), answer[60:]
	exactly := bytes.Equal(options, []byte{2, 0, 0, 0})
	internal := netip.AddrPortFrom(from, port)
	switch {
	case port == 0, len(options) > 0 && !exactly, exactly && lifetime == 0:
		return pcpMalformed, 0
	case protocol == 17: // the table has TCP only
		external, address := m.mapUDP(internal, lifetime)
		binary.BigEndian.PutUint16(answer[42:], external)
		copy(answer[44:60], address[:])
		return 0, lifetime
	case exactly && does.NoPreferFailure:
		return pcpNoOption, 0
	case !m.mayChange(internal, id), lifetime == 0 && does.NoRemoval:
		return pcpNotAuthorized, 0
	case lifetime == 0:
		if !m.close(internal, does.owner("PCP")) && (does.Gone || does.OwnOnly) {
			return pcpNoResources, 0
		}
		return 0, 0
	}
	lifetime = does.lease(lifetime)
	w := wish{by: "PCP", internal: internal, external: external, lease: lifetime, exactly: exactly && !does.OtherPort, otherPort: does.OtherPort}
	external, address, result := m.open(w, id)
	if does.OtherNonce {
		answer[24] ^= 0xff
	}
	if does.OtherInternal {
		answer[41] ^= 0xff
	}
	binary.BigEndian.PutUint16(answer[42:], external)
	copy(answer[44:60], address[:])
	return result, lifetime
}

// mayChange says whether a nonce fits the mapping that is there (section 11.3).
func (m *Mapper) mayChange(internal netip.AddrPort, id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.nonces[internal]
	return !ok || known == id
}

// mapUDP maps a UDP port to itself, or removes that.
func (m *Mapper) mapUDP(internal netip.AddrPort, lifetime time.Duration) (uint16, [16]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.udps, internal)
	if lifetime == 0 {
		return 0, netip.IPv4Unspecified().As16()
	}
	m.udps[internal] = true
	return internal.Port(), m.router.wan().As16()
}

// open makes or renews a mapping, or a hole in the IPv6 firewall.
func (m *Mapper) open(w wish, id string) (uint16, [16]byte, int) {
	external, address, how := w.internal.Port(), w.internal.Addr(), granted
	if address.Is4() {
		address = m.router.wan()
		external, how = m.router.grant(w)
	} else {
		m.router.puncture(w)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if how == granted {
		m.nonces[w.internal] = id
	}
	return external, address.As16(), map[outcome]int{granted: 0, noWAN: pcpNetwork, noRoom: pcpNoResources, taken: pcpTaken}[how]
}

// close removes a mapping or a hole, and says whether there was one.
func (m *Mapper) close(internal netip.AddrPort, by string) bool {
	m.mu.Lock()
	delete(m.nonces, internal)
	m.mu.Unlock()
	return m.router.revoke(internal, by)
}
