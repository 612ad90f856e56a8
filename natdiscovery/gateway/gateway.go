// Package gateway is the small interface between the loop that keeps us
// reachable and the methods that open ports on a home router: what a method can
// be asked, what it answers, and the errors a caller decides by.
//
// A gateway is the home router; a method is how it is asked (PCP, NAT-PMP, UPnP
// IGD); a mapping is internal address:port <-> external address:port for TCP
// (RFC 6887, section 2). The package knows no protocol,
// opens no socket and imports nothing of this project.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Method names how a gateway is asked for mappings, in the words of the
// configuration key nat.port_mapping.
type Method string

// The methods.
const (
	// PCP is the Port Control Protocol (RFC 6887).
	PCP Method = "pcp"
	// NATPMP is the NAT Port Mapping Protocol (RFC 6886).
	NATPMP Method = "nat-pmp"
	// UPnP is UPnP's Internet Gateway Device, versions 1 and 2.
	UPnP Method = "upnp"
)

// Device says which gateway answered. All texts come from the network; they
// are short, printable and only for people.
type Device struct {
	// Address is where the gateway answered from: its LAN address.
	Address netip.Addr
	// Model is manufacturer, model name and number, as far as told.
	Model string
	// Service is the service that does the mapping, e.g. "WANIPConnection:1".
	Service string
	// ID tells one gateway from another over its restarts (a UPnP UDN).
	ID string
}

// Request asks for one TCP mapping.
type Request struct {
	// Internal is our own address and port, where the gateway sends to.
	Internal netip.AddrPort
	// External is the port wanted on the gateway's WAN side. It is never
	// zero: on many routers zero maps every port.
	External uint16
	// Lease is how long the mapping shall live. Zero asks for one that never
	// ends; what the gateway grants rules.
	Lease time.Duration
	// Description is shown in the router's own pages and tells our entries
	// from others': printable ASCII, at most 32 bytes.
	Description string
	// Formerly is an address that this host is known to have had: an entry
	// under our Description that leads there is our own, left over, and may
	// be replaced. The zero Addr: none is known, and then no entry that leads
	// to another address is ever touched.
	Formerly netip.Addr
}

// Mapping is a mapping that the gateway has confirmed. It is immutable.
type Mapping struct {
	Request
	// Granted is when the gateway confirmed it.
	Granted time.Time
	// Lifetime is what the gateway granted. Zero: it never ends by itself.
	Lifetime time.Duration
}

// Expires is when the gateway will drop the mapping unless it is renewed. The
// zero Time: never.
func (m Mapping) Expires() time.Time {
	if m.Lifetime == 0 {
		return time.Time{}
	}
	return m.Granted.Add(m.Lifetime)
}

// RenewAt is when the mapping wants renewing: half of what was granted
// (RFC 6886, section 3.3). The zero Time: never.
func (m Mapping) RenewAt() time.Time {
	if m.Lifetime == 0 {
		return time.Time{}
	}
	return m.Granted.Add(m.Lifetime / 2)
}

// RenewAt is when a mapping wants renewing so that not all clients come at once: at
// a random point between 1/2 and 5/8 of its lifetime (RFC 6887, section 11.2.1).
// rnd, in [0, 1), chooses the point. The zero Time: never.
func RenewAt(granted time.Time, lifetime time.Duration, rnd float64) time.Time {
	if lifetime == 0 {
		return time.Time{}
	}
	return granted.Add(lifetime/2 + time.Duration(rnd*float64(lifetime/8)))
}

// Client asks one gateway by one method. It remembers where the gateway is but
// owns no lease, no timer and no goroutine between calls. Its methods are
// called by one goroutine at a time. Each ends with its context, or sooner by a
// time-out of its own; a slow or lying gateway can't hold the caller longer.
type Client interface {
	// Method is how this client asks.
	Method() Method
	// Device says which gateway this is.
	Device() Device
	// Local is our own address as this gateway sees it: the one that the
	// connection to it was made from.
	Local() netip.Addr
	// ExternalAddress asks for the gateway's WAN address. It returns
	// ErrNoWAN when the gateway has none or tells nonsense (empty, 0.0.0.0,
	// loopback). A private address is an answer: it proves double NAT.
	ExternalAddress(ctx context.Context) (netip.Addr, error)
	// Map adds the mapping, or renews it when it is ours already, and reads
	// it back: a mapping is returned only if the gateway lists it as asked.
	// Another host's mapping is never replaced (ErrConflict).
	Map(ctx context.Context, r Request) (Mapping, error)
	// Check asks whether the gateway still lists m as ours. ErrNotMapped:
	// nobody has the port. ErrConflict: somebody else has it. NAT-PMP and PCP
	// can't read a table, so they renew m: nil means that it is there now, and
	// ErrNotMapped that the gateway has lost its mappings since m was granted.
	Check(ctx context.Context, m Mapping) error
	// Unmap removes m if the gateway still lists it as ours, and only then.
	// A mapping that is gone already is not an error.
	Unmap(ctx context.Context, m Mapping) error
}

// Forgetful is a Client whose gateway tells with each answer for how long it has
// kept its mappings: the epoch (RFC 6886, section 3.6; RFC 6887, section 8.5).
type Forgetful interface {
	Client
	// Forgot is when the gateway was last noticed to have lost its mappings:
	// those granted before are gone. The zero Time: not yet. It asks nothing.
	Forgot() time.Time
}

// What a caller decides by. A method wraps them with what the gateway said, so
// that the text names the operation, the port and the gateway's own code.
var (
	// ErrNotFound: no gateway answered by this method.
	ErrNotFound = errors.New("no gateway answered")
	// ErrGone: the gateway answered before and does not now, or no longer
	// knows what we ask. Discover it again.
	ErrGone = errors.New("gateway does not answer any more")
	// ErrNoWAN: the gateway has no usable WAN address at this moment.
	ErrNoWAN = errors.New("gateway has no external address")
	// ErrRefused: the gateway will not, by its configuration.
	ErrRefused = errors.New("gateway refuses")
	// ErrBehindNAT is an ErrRefused: another NAT stands between us and the
	// gateway (a container's, or a second router), so that what it opens would
	// lead to that NAT (RFC 6887, section 7.4, ADDRESS_MISMATCH).
	ErrBehindNAT = fmt.Errorf("%w: another NAT stands between us and it", ErrRefused)
	// ErrConflict: another host, or another entry, has the external port.
	ErrConflict = errors.New("port is taken by another host")
	// ErrRule: a rule of the gateway's own has the external port: made by hand
	// or by one of its services. It may be the very forwarding that we want, so
	// it is worth a test from outside. It is an ErrConflict, too.
	ErrRule = fmt.Errorf("%w: by a rule of the gateway's own, perhaps made by hand", ErrConflict)
	// ErrFull: the gateway's table has no room.
	ErrFull = errors.New("gateway's table is full")
	// ErrNotMapped: the gateway does not list the mapping.
	ErrNotMapped = errors.New("gateway does not list the mapping")
	// ErrProtocol: the gateway's answer makes no sense.
	ErrProtocol = errors.New("gateway's answer makes no sense")
)
