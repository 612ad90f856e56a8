package nattest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// STUN is a fake STUN server (RFC 8489) for IPv4 that answers Binding requests
// with what it is told to. Its methods may be called from any goroutine.
type STUN struct {
	wg  sync.WaitGroup
	udp *net.UDPConn

	mu        sync.Mutex
	reflexive netip.AddrPort
	fault     STUNFault
	maxSize   int
	asked     int
}

// STUNFault is a way in which a STUN server misbehaves.
type STUNFault string

// The ways to misbehave.
const (
	STUNHealthy STUNFault = ""
	// STUNSilent answers nothing.
	STUNSilent STUNFault = "silent"
	// STUNGarbage answers with bytes that are no STUN message.
	STUNGarbage STUNFault = "garbage"
	// STUNOtherID answers a transaction that nobody began.
	STUNOtherID STUNFault = "other transaction"
	// STUNRefuses answers with an error response (section 6.3.4).
	STUNRefuses STUNFault = "refuses"
	// STUNEmpty answers with a success that names no address.
	STUNEmpty STUNFault = "empty"
)

// StartSTUN starts a STUN server that says the client's address is reflexive,
// whatever it is; the zero AddrPort: it tells the truth, and port 0: it does so
// about the port. It stops when the test ends.
func StartSTUN(t testing.TB, reflexive netip.AddrPort) *STUN {
	t.Helper()
	return StartSTUNAt(t, netip.MustParseAddr("127.0.0.1"), reflexive)
}

// StartSTUNAt is StartSTUN at a loopback address of its own, as another operator
// has one. Not every system has more than 127.0.0.1.
func StartSTUNAt(t testing.TB, at netip.Addr, reflexive netip.AddrPort) *STUN {
	t.Helper()
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		t.Fatalf("start the fake STUN server: %v", err)
	}
	s := &STUN{udp: udp, reflexive: reflexive}
	s.wg.Go(s.serve)
	t.Cleanup(func() {
		if err := s.udp.Close(); err != nil {
			t.Errorf("stop the fake STUN server: %v", err)
		}
		s.wg.Wait()
	})
	return s
}

// Address is where the server listens.
func (s *STUN) Address() netip.AddrPort {
	return s.udp.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Tell changes the reflexive address that the server tells from now on.
func (s *STUN) Tell(reflexive netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reflexive = reflexive
}

// Misbehave changes how the server answers from now on.
func (s *STUN) Misbehave(f STUNFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// MaxSize makes the path to the server narrow from now on: it drops what comes in
// IPv4 packets of more than size bytes, and nobody is told. 0: it drops nothing.
func (s *STUN) MaxSize(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxSize = size
}

// Asked is how many Binding requests have come.
func (s *STUN) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *STUN) serve() {
	buf := make([]byte, 2048)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed
		}
		if answer := s.answer(buf[:n], from); answer != nil {
			// The client may have gone; a server does not mind.
			_, _ = s.udp.WriteToUDPAddrPort(answer, from)
		}
	}
}

const (
	magicCookie = 0x2112A442 // RFC 8489, section 5
	// ipv4UDP are the headers around a datagram: IPv4 without options, UDP.
	ipv4UDP = 20 + 8
)

// answer is the answer to a datagram, nil when there is none.
func (s *STUN) answer(request []byte, from netip.AddrPort) []byte {
	// A Binding request begins with 0x0001, its length, the cookie and the
	// 96-bit transaction id.
	if len(request) < 20 || binary.BigEndian.Uint16(request) != 0x0001 ||
		binary.BigEndian.Uint32(request[4:]) != magicCookie {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.maxSize > 0 && len(request)+ipv4UDP > s.maxSize {
		return nil
	}
	s.asked++
	reflexive := s.reflexive
	switch {
	case !reflexive.IsValid():
		reflexive = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	case reflexive.Port() == 0:
		reflexive = netip.AddrPortFrom(reflexive.Addr(), from.Port())
	}
	switch s.fault {
	case STUNSilent:
		return nil
	case STUNGarbage:
		return []byte("\x01\x01\xff\xffthis is no STUN message")
	case STUNOtherID:
		request[19] ^= 0xff
	case STUNRefuses:
		// ERROR-CODE 0x0009 of 400, section 14.8, without a reason.
		return message(0x0111, request[4:20], []byte{0, 9, 0, 4, 0, 0, 4, 0})
	case STUNEmpty:
		return message(0x0101, request[4:20], nil)
	}
	return message(0x0101, request[4:20], xorMappedAddress(reflexive))
}

// message is a STUN message (section 5); id is the cookie and the transaction.
func message(kind uint16, id, attributes []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(attributes)))
	return append(append(b, id...), attributes...)
}

// xorMappedAddress is the attribute 0x0020 for IPv4 (section 14.2).
func xorMappedAddress(addr netip.AddrPort) []byte {
	ip := addr.Addr().As4()
	b := []byte{0x00, 0x20, 0, 8, 0, 1}
	b = binary.BigEndian.AppendUint16(b, addr.Port()^(magicCookie>>16))
	return binary.BigEndian.AppendUint32(b, binary.BigEndian.Uint32(ip[:])^magicCookie)
}
