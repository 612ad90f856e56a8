package pcp

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

var _ gateway.Pinholer = (*Client)(nil)

// OpenPinhole implements gateway.Pinholer by a mapping, which changes no address
// where the gateway is a mere firewall. It is asked for by IPv6, from the address that
// it leads to: only a Client whose Local that is can.
func (c *Client) OpenPinhole(ctx context.Context, internal netip.AddrPort, lease time.Duration) (gateway.Pinhole, error) {
	if !c.Local().Is6() {
		return gateway.Pinhole{}, fmt.Errorf("PCP pinhole to %s: %w: it is asked by IPv4", internal, gateway.ErrNoPinholes)
	}
	m, err := c.Map(ctx, gateway.Request{Internal: internal, External: internal.Port(), Lease: lease})
	if err != nil {
		return gateway.Pinhole{}, err
	}
	return gateway.Pinhole{Internal: internal, Granted: m.Granted, Lifetime: m.Lifetime}, nil
}

// RenewPinhole implements gateway.Pinholer. A pinhole that has gone is opened again.
func (c *Client) RenewPinhole(ctx context.Context, p gateway.Pinhole, lease time.Duration) (gateway.Pinhole, error) {
	return c.OpenPinhole(ctx, p.Internal, lease)
}

// ClosePinhole implements gateway.Pinholer. miniupnpd 2.3.1 forgets whose a pinhole is
// when that is renewed, and refuses to remove it: so it is given the shortest lease
// that there is, which renewing still does.
func (c *Client) ClosePinhole(ctx context.Context, p gateway.Pinhole) error {
	err := c.forget(ctx, p.Internal)
	if !is(err, codeNotAuthorized) {
		return err
	}
	_, err = c.OpenPinhole(ctx, p.Internal, time.Second)
	c.newest = gateway.Mapping{}
	if is(err, codeNotAuthorized) {
		return nil // it is not ours
	}
	return err
}
