package natdiscovery

import (
	"net/netip"
	"slices"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

// facts are what the verdict and its advice are made from.
type facts struct {
	external, local, router netip.Addr
	source                  Source

	ours    bool              // external is an address of this host itself
	reached bool              // somebody from outside was there
	absent  int               // clients from outside whose data connections did not come
	udp     stun.NATBehaviour // a hint
	beyond  []netip.Addr      // the routers behind ours, as far as they are known
	tracing bool              // they are still asked for

	mapping bool // a gateway may be asked at all
	seeking bool // a first answer is awaited from somebody
	found   bool // a gateway serves us
	behind  bool // one tells that another NAT stands between it and us
	lost    bool // one did, and has not answered for long

	wan          netip.Addr // as the gateway tells it, now
	noWAN        bool       // the gateway tells that it has none
	reflexive    netip.Addr // as STUN tells it since, agreed times in a row
	agreed       int
	contradicted bool // STUN says that wan is not what the internet sees

	// outlived are the mappings to a former address of ours that can't be removed, by
	// their outside ports.
	outlived map[uint16]gateway.Mapping

	control     Port
	wanted      uint16 // the control port that was asked for first
	passive     []Port
	uselessHost string // the operator's host name, if it stands for no usable address
}

// verdict is the matrix. What makes us unreachable whatever the ports say comes
// first.
func (f facts) verdict() Verdict {
	switch {
	case f.reached && f.external.IsValid() && !(f.lost && f.open()):
		return Reachable
	case f.carrierNAT():
		return CarrierNAT
	case f.wan.IsValid() && !gateway.Public(f.wan), f.noWAN && f.reflexive.IsValid():
		return f.behindOther()
	case f.behind && !f.open():
		return DoubleNAT
	case f.seeking && !f.open():
		return VerdictLooking
	case !f.external.IsValid() && (f.found || !f.mapping):
		return AddressUnknown
	case !f.external.IsValid(), f.lost && f.open():
		return NoGateway
	case f.ours:
		return Reachable
	case !f.mapping:
		return ForwardedByHand
	}
	return f.portsVerdict()
}

// portsVerdict judges by how far the ports are open.
func (f facts) portsVerdict() Verdict {
	switch f.control.State {
	case PortTaken:
		if len(inState(f.passive, PortPending)) > 0 {
			return f.unopened() // it may be that all are forbidden
		}
		return PortTakenByHost
	case PortRefused:
		return GatewayRefuses
	case PortByHand, PortPending:
		if f.ruled() {
			return ForwardedByHand
		}
		return f.unopened()
	}
	for _, by := range []struct {
		state   PortState
		verdict Verdict
	}{
		{PortVerified, Reachable},
		{PortPending, f.unopened()},
		{PortRefused, GatewayRefuses},
		{PortTaken, PortTakenByHost},
	} {
		if len(inState(f.passive, by.state)) > 0 {
			return by.verdict
		}
	}
	return f.unopened()
}

// ruled says whether the gateway is found and has a rule of its own for the control
// port.
func (f facts) ruled() bool {
	return f.found && f.control.State == PortByHand && f.control.Problem != ""
}

// unopened judges ports that nobody was asked for: a gateway soon will be.
func (f facts) unopened() Verdict {
	if f.found || f.seeking {
		return VerdictLooking
	}
	return ForwardedByHand
}

// carrierNAT says whether the carrier keeps the only public address: then the
// gateway has one of RFC 6598 or RFC 7335, or this host itself.
func (f facts) carrierNAT() bool {
	return gateway.Shared(f.wan) || !f.found && gateway.Shared(f.local) && !f.ours
}

// behindOther judges a gateway whose own address is not public. miniupnpd tells none
// then; but after a reconnect STUN may only have seen the new address first, so it
// is asked twice. Whether the carrier stands there or a second router tells the next
// hop's address: no home has one of RFC 6598. By itself it proves nothing, since
// providers number their routers from it in front of public addresses as well.
func (f facts) behindOther() Verdict {
	switch {
	case f.noWAN && f.agreed < 2, f.seeking, f.tracing:
		return VerdictLooking
	case gateway.Shared(f.nextHop()):
		return CarrierNAT
	}
	return DoubleNAT
}

// open says whether the gateway is known to have opened anything.
func (f facts) open() bool {
	return f.control.State == PortVerified || len(inState(f.passive, PortVerified)) > 0
}

// inState are the outside numbers of the ports in one of the states, in order.
func inState(ports []Port, states ...PortState) []uint16 {
	var list []uint16
	for _, p := range ports {
		if slices.Contains(states, p.State) {
			list = append(list, p.External)
		}
	}
	return list
}
