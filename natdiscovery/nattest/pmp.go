package nattest

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// answerNATPMP is the answer to a request of version 0 (RFC 6886, section 3); nil:
// none.
func (m *Mapper) answerNATPMP(request []byte, from netip.Addr) ([]byte, MapperBehaviour) {
	what := map[byte]string{0: "NAT-PMP address", 1: "NAT-PMP map", 2: "NAT-PMP map"}[request[1]]
	does, heard := m.hear(what)
	switch {
	case !heard, what == "NAT-PMP map" && len(request) < 12, !from.Is4():
		return nil, does
	case does.NoNATPMP && does.Deaf:
		return nil, does
	case does.NoNATPMP:
		// What a server of PCP alone says (RFC 6887, section 9).
		refusal := make([]byte, 24)
		copy(refusal, []byte{2, 128 | request[1], 0, 1})
		return refusal, does
	}
	result := does.Results[what]
	if what == "" {
		result = 5
	}
	// The layouts of sections 3.2 and 3.3: version, opcode, result, epoch, and
	// then the address, or the ports and the lifetime.
	answer := []byte{0, 128 | request[1], 0, byte(result)}
	answer = binary.BigEndian.AppendUint32(answer, m.seconds(does))
	if result != 0 && (does.ShortErrors || what == "") {
		return answer, does
	}
	if what == "NAT-PMP address" {
		external := m.router.wan()
		if external.IsUnspecified() {
			answer[3] = 3 // network failure
		}
		return append(answer, external.AsSlice()...), does
	}
	return m.mapNATPMP(request, from, does, answer), does
}

// mapNATPMP does what a request to map asks for, and completes the answer.
func (m *Mapper) mapNATPMP(request []byte, from netip.Addr, does MapperBehaviour, answer []byte) []byte {
	port := binary.BigEndian.Uint16(request[4:])
	lifetime := time.Duration(binary.BigEndian.Uint32(request[8:])) * time.Second
	internal, external := netip.AddrPortFrom(from, port), uint16(0)
	tcp := request[1] == 2
	switch {
	case answer[3] != 0 || !tcp: // the table has no UDP
	case lifetime == 0:
		m.router.revoke(internal, does.owner("NAT-PMP"))
	default:
		lifetime = does.lease(lifetime)
		var how outcome
		external, how = m.router.grant(wish{by: "NAT-PMP", internal: internal, external: binary.BigEndian.Uint16(request[6:]),
			lease: lifetime, otherPort: does.OtherPort})
		answer[3] = map[outcome]byte{granted: 0, noWAN: 3, noRoom: 4}[how]
	}
	if does.OtherInternal {
		port++
	}
	answer = binary.BigEndian.AppendUint16(answer, port)
	answer = binary.BigEndian.AppendUint16(answer, external)
	return binary.BigEndian.AppendUint32(answer, uint32(lifetime/time.Second))
}

// owner is who must have written what a protocol removes; empty: anybody.
func (b MapperBehaviour) owner(protocol string) string {
	if b.OwnOnly {
		return protocol
	}
	return ""
}

// lease is what is granted of what was asked for.
func (b MapperBehaviour) lease(asked time.Duration) time.Duration {
	switch {
	case b.NoLease:
		return 0
	case b.LongestLease != 0:
		return min(asked, b.LongestLease)
	}
	return asked
}
