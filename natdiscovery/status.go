package natdiscovery

import (
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

// Status is what the internet sees of us and how we know it, at one moment.
// It is immutable: readers load it from an atomic pointer and never wait. The
// zero Status, before anything was learnt, is valid.
type Status struct {
	// External is the address that outside clients reach us at. The zero
	// Addr: not known.
	External netip.Addr
	// Source is how External was learnt.
	Source Source
	// Learnt is when External was first seen, Confirmed when last.
	Learnt, Confirmed time.Time

	// Network is this host's place in its LAN.
	Network Network
	// Gateway is the router that opens ports for us. nil: none found.
	Gateway *GatewayStatus
	// Methods are the ways to ask a gateway that are allowed, the preferred one
	// first.
	Methods []MethodStatus
	// Reflexive is our address as two STUN operators saw it, at
	// ReflexiveSeen. The zero Addr: they have not agreed.
	Reflexive     netip.Addr
	ReflexiveSeen time.Time

	// PathMTU is the largest packet that the way to the internet takes, measured
	// at PathMTUSeen; 0: not known.
	PathMTU     int
	PathMTUSeen time.Time
	// Hops are the first routers on the way to the internet, ours first, three at
	// most, as they told at HopsSeen; the zero Addr stands for one that is silent.
	// None: not known.
	Hops     []netip.Addr
	HopsSeen time.Time
	// UDPMapping is how the way to the internet maps UDP ports, and whether it
	// keeps their numbers: a hint only.
	UDPMapping       stun.Mapping
	UDPPortPreserved bool
	// Hairpin says whether the gateway loops the external address back.
	Hairpin Hairpin
	// Reached is when a data connection from outside last came to External; the
	// zero Time: none did yet. Absent is how many clients from outside have failed
	// to come since, three at most.
	Reached time.Time
	Absent  int
	// Probing says that some of this is being found out.
	Probing bool

	// Control is the port on External that outside clients dial for the
	// control connection.
	Control Port
	// Implicit is the port for control connections that are TLS from the first
	// byte. The zero Port: we have none.
	Implicit Port
	// Passive is the state of every port of the passive range, in order.
	Passive []Port
	// Pinholes are the same ports in the gateway's IPv6 firewall, for each of our
	// IPv6 addresses. None: we have no such address, or they are off.
	Pinholes []Pinhole
	// Outside are the passive ports that a client from outside may be told,
	// Inside those that a client in the LAN may be told. They share nothing
	// with Passive and are in rising order.
	Outside, Inside []uint16

	// Counts are what was counted since the loop began.
	Counts Counts

	// Journal says why the journal can't be written; "": it can, or it is off.
	Journal string

	// Verdict is the one sentence on whether and why, Advice what to do
	// about it ("" when nothing needs doing).
	Verdict Verdict
	Advice  string

	asking bool // the gateway has yet to answer for some ports
}

// Network is this host's place in its LAN.
type Network struct {
	// Interface is the name of the interface with the default route.
	Interface string
	// Local is our address on it: what the router forwards to.
	Local netip.Addr
	// Router is the default gateway's LAN address.
	Router netip.Addr
	// Router6 is its IPv6 address, with a zone where that is link-local; the zero
	// Addr: none.
	Router6 netip.Addr
	// LANs are the prefixes of our interfaces, or the operator's.
	LANs []netip.Prefix
}

// GatewayStatus is what is known of the router that opens ports for us.
type GatewayStatus struct {
	gateway.Device
	Method gateway.Method
	// External is the WAN address as the gateway tells it; the zero Addr:
	// it told none.
	External netip.Addr
	// Seen is when the gateway last answered.
	Seen time.Time
	// Forgot is when it was last noticed to have lost its mappings, by its epoch
	// (PCP, NAT-PMP). The zero Time: not yet, or its method does not tell.
	Forgot time.Time
}

// MethodStatus is what came of one way to ask a gateway.
type MethodStatus struct {
	Method gateway.Method
	// Problem says why it is not in use. "": it is, or would serve as well.
	Problem string
	// Tried is when it was last searched for.
	Tried time.Time
}

// Port is one port that outside clients are meant to reach.
type Port struct {
	// Internal is the port we listen on, External the one on the gateway's
	// WAN side. For passive ports they are always equal.
	Internal, External uint16
	State              PortState
	// Expires is the end of the lease; the zero Time: none, or no mapping.
	Expires time.Time
	// Asked is when the gateway last said something of the port; the zero Time:
	// not yet.
	Asked time.Time
	// Problem says why the port is not open, or is not the External one that
	// was asked for, in the gateway's words.
	Problem string
}

// Pinhole is one port of ours behind the gateway's IPv6 firewall.
type Pinhole struct {
	Internal netip.AddrPort
	State    PortState
	// Method is how it was opened; "": it is not open.
	Method gateway.Method
	// Expires is the end of the lease; the zero Time: none.
	Expires time.Time
	// Problem says why it is not open, in the gateway's words.
	Problem string
}

// PortState says how far a port is open on the gateway.
type PortState string

// The states of a port.
const (
	// PortPending: not asked for yet, or being asked for.
	PortPending PortState = "pending"
	// PortVerified: the gateway lists the mapping as ours.
	PortVerified PortState = "verified"
	// PortByHand: no gateway maps it for us; the operator forwards it, or
	// nobody does.
	PortByHand PortState = "forwarded by hand"
	// PortTaken: another host has it.
	PortTaken PortState = "taken by another host"
	// PortUnneeded: the gateway has its IPv6 firewall switched off.
	PortUnneeded PortState = "nothing in the way"
	// PortRefused: the gateway will not map it.
	PortRefused PortState = "refused"
)

// Source is how the external address was learnt.
type Source string

// The sources.
const (
	SourceNone Source = ""
	// SourceLastRun: nobody has told it yet since we started; it was right when
	// we last ran.
	SourceLastRun  Source = "last run"
	SourceOperator Source = "operator"
	SourceGateway  Source = "gateway"
	SourceSTUN     Source = "STUN"
)

// Verdict says in the field's words whether we can be reached from outside. The
// same words stand in the log, the commands and the status page.
type Verdict string

// The verdicts.
const (
	VerdictLooking  Verdict = "looking for the gateway"
	Reachable       Verdict = "reachable"
	ForwardedByHand Verdict = "forwarded by hand"
	NoGateway       Verdict = "no gateway"
	GatewayRefuses  Verdict = "gateway refuses"
	DoubleNAT       Verdict = "double NAT"
	CarrierNAT      Verdict = "carrier NAT"
	AddressUnknown  Verdict = "address unknown"
	PortTakenByHost Verdict = "port taken by another host"
)
