package gateway

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Pinhole is a hole in the gateway's IPv6 firewall: whoever knows Internal may
// connect to it by TCP. There is no translation, so it has no external port. It
// is immutable.
type Pinhole struct {
	// Internal is our own address and port.
	Internal netip.AddrPort
	// ID is the gateway's name for it. Only the client that opened it reads
	// it; it is printable, and good for as long as the pinhole lives, also
	// after a restart of ours.
	ID string
	// Granted is when the gateway confirmed it.
	Granted time.Time
	// Lifetime is what was granted; it is never zero.
	Lifetime time.Duration
}

// Expires is when the gateway will close the pinhole unless it is renewed.
func (p Pinhole) Expires() time.Time { return p.Granted.Add(p.Lifetime) }

// RenewAt is when the pinhole wants renewing: half of what was granted.
func (p Pinhole) RenewAt() time.Time { return p.Granted.Add(p.Lifetime / 2) }

// Pinholer is what a Client also is if it can open the gateway's IPv6 firewall.
// The methods are called like the Client's own, by one goroutine at a time, and
// return the same errors.
type Pinholer interface {
	// OpenPinhole lets the internet connect to internal, an IPv6 address of
	// this host. Asked again for the same, the gateway renews or adds another.
	// ErrNoPinholes: this gateway can't. ErrOpen: it need not.
	OpenPinhole(ctx context.Context, internal netip.AddrPort, lease time.Duration) (Pinhole, error)
	// RenewPinhole gives p a new lease and so proves that it is there.
	// ErrNotMapped: it has gone; open it again.
	RenewPinhole(ctx context.Context, p Pinhole, lease time.Duration) (Pinhole, error)
	// CheckPinhole asks whether the gateway still has p, and returns it as it is
	// now: a gateway that can't tell renews it. Errors as of RenewPinhole.
	CheckPinhole(ctx context.Context, p Pinhole, lease time.Duration) (Pinhole, error)
	// ClosePinhole removes p. One that has gone already is not an error.
	// ErrEndsSoon: the gateway would not, but p now ends within minutes.
	ClosePinhole(ctx context.Context, p Pinhole) error
}

// What a caller of a Pinholer decides by, besides the Client's errors.
var (
	// ErrNoPinholes: the gateway does not open its IPv6 firewall for anyone,
	// or can't be asked by IPv6.
	ErrNoPinholes = errors.New("gateway opens no IPv6 pinholes")
	// ErrOpen: its IPv6 firewall is off; everything is reachable as it is.
	ErrOpen = errors.New("gateway's IPv6 firewall is off")
	// ErrEndsSoon: what could not be closed was given the shortest lease instead.
	ErrEndsSoon = errors.New("gateway does not close the pinhole, which ends soon")
)
