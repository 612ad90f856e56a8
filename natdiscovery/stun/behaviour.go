package stun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
)

// Mapping is how a NAT chooses the external port of a UDP socket (RFC 4787,
// section 4.1), in words for people.
type Mapping string

// The kinds of mapping that can be told apart from one socket.
const (
	// Unknown: too few servers answered, or they contradict each other.
	Unknown Mapping = ""
	// EndpointIndependent: one external port, whomever the socket talks to.
	// A host without NAT looks like this too, and so does a NAT that is
	// dependent but kept the port because nobody else had it.
	EndpointIndependent Mapping = "endpoint-independent"
	// AddressDependent: another external port for another server. Address-
	// dependent and address-and-port-dependent mapping are not told apart.
	AddressDependent Mapping = "address-dependent"
)

// NATBehaviour is what servers on the internet can see of how UDP is translated
// on the way from us to them. It is a hint, and about UDP only: many a NAT
// treats TCP in another way, and ports that are forwarded in a third.
type NATBehaviour struct {
	// Mapping is how external ports are chosen.
	Mapping Mapping
	// PortPreserved says that the external port was the local one (RFC 4787,
	// section 4.2.1). False if that is not known.
	PortPreserved bool
	// Answers are what the servers said, in the order of Config.Servers. Those
	// without an error were all asked from the same local port.
	Answers []Answer
}

// errContradiction ends a Behaviour that has no two witnesses.
var errContradiction = errors.New("no two operators agree on our address")

// Behaviour asks all servers from one local port and compares what they see (RFC
// 5780, section 4.3, with servers of different operators in place of one server's
// other address). The error is set exactly if the mapping stays Unknown; the
// answers are there in any case.
func Behaviour(ctx context.Context, cfg Config) (NATBehaviour, error) {
	cfg = cfg.withDefaults()
	// Servers that are down are found out about side by side; from the common
	// socket those that are up answer quickly one after the other.
	b := NATBehaviour{Answers: Ask(ctx, cfg)}
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return b, fmt.Errorf("compare mappings of UDP ports: %w", err)
	}
	defer conn.Close()
	within, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	for i, a := range b.Answers {
		if a.Err == nil {
			b.Answers[i] = cfg.askFrom(within, conn, a)
		}
	}
	b.Mapping, b.PortPreserved = judge(b.Answers, conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	if b.Mapping == Unknown {
		return b, fmt.Errorf("compare mappings of UDP ports: %w", cmp.Or(ctx.Err(), errContradiction))
	}
	return b, nil
}

// judge compares the external ports at our agreed address, as operators saw them
// who were asked from one local port. The majority rules, as in Agree.
func judge(answers []Answer, local uint16) (kind Mapping, preserved bool) {
	addr, agreed := Agree(answers)
	if !agreed {
		return Unknown, false
	}
	witnesses, votes := 0, make(map[uint16]int)
	for _, a := range distinct(answers) {
		if a.Reflexive.Addr() == addr {
			witnesses++
			votes[a.Reflexive.Port()]++
		}
	}
	for port, n := range votes {
		if 2*n > witnesses {
			return EndpointIndependent, port == local
		}
	}
	return AddressDependent, false
}
