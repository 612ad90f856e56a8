package nattest

import (
	"encoding/binary"
	"maps"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Mapper is the NAT-PMP and PCP server of a fake router: both on one UDP port, as on
// real ones (RFC 6887, section 9). It has the Router's table of mappings, pinholes,
// clock and external address, and its own epoch. It implements Gateway. Its methods may be
// called from any goroutine.
type Mapper struct {
	router *Router
	udp    *net.UDPConn

	mu     sync.Mutex
	does   MapperBehaviour
	epoch  time.Time                 // when it began to keep its mappings
	nonces map[netip.AddrPort]string // of PCP's TCP mappings, by internal address
	udps   map[netip.AddrPort]bool   // mappings of UDP ports, by internal address
	asked  map[string]int
}

// MapperBehaviour says how a Mapper differs from a well-behaved one, which is the
// zero MapperBehaviour.
type MapperBehaviour struct {
	// Silent sends no answers.
	Silent bool
	// Lose is how many requests are lost before one is heard.
	Lose int
	// NoNATPMP and NoPCP refuse requests of that version with the other's
	// refusal, as gateways do that speak one alone. Deaf drops them instead.
	NoNATPMP, NoPCP, Deaf bool
	// Results are result codes, by what is asked (see Asked).
	Results map[string]int
	// ShortErrors leaves out what follows the header in an error.
	ShortErrors bool
	// OtherPort grants the port after the one that is asked for.
	OtherPort bool
	// NoPreferFailure does not know that option of PCP's.
	NoPreferFailure bool
	// LongestLease shortens leases; zero: as asked. NoLease grants none.
	LongestLease time.Duration
	NoLease      bool
	// EpochShift is added to the epoch that is told.
	EpochShift time.Duration
	// Noise is sent before each answer.
	Noise [][]byte
	// Trailing follows each answer.
	Trailing []byte
	// AnswerFrom is where answers come from, at another port, instead of where
	// the request went.
	AnswerFrom netip.Addr
	// OtherNonce and OtherInternal answer for another mapping.
	OtherNonce, OtherInternal bool
	// Gone answers the removal of a mapping that is not there with PCP's
	// NO_RESOURCES, as miniupnpd does.
	Gone bool
	// OwnOnly lets either protocol remove only what it wrote last itself: of the
	// rest NAT-PMP says that it has gone, and PCP that there is nothing (see Gone).
	OwnOnly bool
	// NoRemoval refuses to remove what PCP mapped, and renews it, as miniupnpd
	// 2.3.1 does with pinholes.
	NoRemoval bool
}

// upFor is how long a server has kept its mappings when a test begins: long enough
// for a new epoch to be told from it.
const upFor = time.Hour

// StartMapper starts a well-behaved server for r's mappings and stops it when the
// test ends.
func StartMapper(t testing.TB, r *Router) *Mapper {
	t.Helper()
	m := &Mapper{
		router: r, epoch: r.clock().Add(-upFor), asked: map[string]int{},
		nonces: map[netip.AddrPort]string{}, udps: map[netip.AddrPort]bool{},
	}
	m.udp = m.listen(t, netip.MustParseAddrPort("127.0.0.1:0"))
	return m
}

// ListenIPv6 serves at ::1, too, and says at which port. It skips the test where
// there is no IPv6.
func (m *Mapper) ListenIPv6(t testing.TB) netip.AddrPort {
	t.Helper()
	probe, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 on this host: %v", err)
	}
	if err := probe.Close(); err != nil {
		t.Fatal(err)
	}
	return addrPort(m.listen(t, netip.MustParseAddrPort("[::1]:0")))
}

func (m *Mapper) listen(t testing.TB, at netip.AddrPort) *net.UDPConn {
	t.Helper()
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatalf("start the fake router's NAT-PMP and PCP: %v", err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { m.serve(udp) })
	t.Cleanup(func() {
		if err := udp.Close(); err != nil {
			t.Errorf("stop the fake router's NAT-PMP and PCP: %v", err)
		}
		serving.Wait()
	})
	return udp
}

func addrPort(udp *net.UDPConn) netip.AddrPort {
	return udp.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Address is where the server listens.
func (m *Mapper) Address() netip.AddrPort { return addrPort(m.udp) }

// External is the router's WAN address.
func (m *Mapper) External() netip.Addr { return m.router.External() }

// Mapped is where an external TCP port is forwarded to.
func (m *Mapper) Mapped(external uint16) (netip.AddrPort, bool) { return m.router.Mapped(external) }

// Occupy maps an external port to another host.
func (m *Mapper) Occupy(external uint16, by netip.AddrPort) { m.router.Occupy(external, by) }

// UDPs is how many UDP ports are mapped.
func (m *Mapper) UDPs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.udps)
}

// Forget loses all mappings, and begins the epoch anew (RFC 6886, section 3.6).
func (m *Mapper) Forget() {
	m.router.Forget()
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.nonces)
	clear(m.udps)
	m.epoch = m.router.clock()
}

// Silence makes the server take requests and answer none.
func (m *Mapper) Silence() { m.Behave(func(b *MapperBehaviour) { b.Silent = true }) }

// Behave changes how the server behaves from now on.
func (m *Mapper) Behave(change func(*MapperBehaviour)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.does)
}

// Asked is how often the server was asked for this: "NAT-PMP address", "NAT-PMP map",
// "PCP ANNOUNCE" or "PCP MAP". Those that it lost count.
func (m *Mapper) Asked(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked[what]
}

// Announce sends to a group, or a host, what gateways tell everybody when their
// address is another one (RFC 6886, section 3.2.1), or by PCP when they have lost their
// mappings (RFC 6887, section 14.1.2).
func (m *Mapper) Announce(t testing.TB, to netip.AddrPort, pcp bool) {
	t.Helper()
	message := binary.BigEndian.AppendUint32([]byte{0, 128, 0, 0}, m.seconds(MapperBehaviour{}))
	message = append(message, m.router.wan().AsSlice()...)
	if pcp {
		message = make([]byte, 24)
		message[0], message[1] = 2, 128
		binary.BigEndian.PutUint32(message[8:], m.seconds(MapperBehaviour{}))
	}
	if _, err := m.udp.WriteToUDPAddrPort(message, to); err != nil {
		t.Fatalf("announce to %v: %v", to, err)
	}
}

// hear counts a request and says how to behave on it, and whether it was heard.
func (m *Mapper) hear(what string) (MapperBehaviour, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[what]++
	does := m.does
	does.Results = maps.Clone(does.Results)
	if m.does.Lose > 0 {
		m.does.Lose--
		return does, false
	}
	return does, true
}

// seconds is the epoch as told.
func (m *Mapper) seconds(does MapperBehaviour) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint32((m.router.clock().Sub(m.epoch) + does.EpochShift) / time.Second)
}

func (m *Mapper) serve(udp *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		request := buf[:n]
		if n < 2 || request[1]&128 != 0 {
			continue
		}
		var answer []byte
		var does MapperBehaviour
		if request[0] == 0 {
			answer, does = m.answerNATPMP(request, from.Addr())
		} else {
			answer, does = m.answerPCP(request, from.Addr())
		}
		// The client may have gone; a router does not mind.
		for _, noise := range does.Noise {
			_, _ = udp.WriteToUDPAddrPort(noise, from)
		}
		if answer == nil || does.Silent {
			continue
		}
		answer = append(answer, does.Trailing...)
		if does.AnswerFrom.IsValid() {
			answerElsewhere(does.AnswerFrom, from, answer)
			continue
		}
		_, _ = udp.WriteToUDPAddrPort(answer, from)
	}
}

// answerElsewhere sends an answer from another socket.
func answerElsewhere(at netip.Addr, to netip.AddrPort, answer []byte) {
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		return // the client hears nothing, which it must bear as well
	}
	defer func() { _ = udp.Close() }()
	_, _ = udp.WriteToUDPAddrPort(answer, to)
}
