package pcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

var _ gateway.Pinholer = (*Client)(nil)

// OpenPinhole implements gateway.Pinholer by a mapping, which changes no address
// where the gateway is a mere firewall.
func (c *Client) OpenPinhole(ctx context.Context, internal netip.AddrPort, lease time.Duration) (gateway.Pinhole, error) {
	f, err := c.firewall(ctx, internal.Addr())
	if err != nil {
		return gateway.Pinhole{}, fmt.Errorf("PCP pinhole to %s: %w", internal, err)
	}
	m, err := f.Map(ctx, gateway.Request{Internal: internal, External: internal.Port(), Lease: lease})
	c.heard(f, err)
	if err != nil {
		return gateway.Pinhole{}, err
	}
	return gateway.Pinhole{Internal: internal, Granted: m.Granted, Lifetime: m.Lifetime}, nil
}

// RenewPinhole implements gateway.Pinholer. A pinhole that has gone is opened again.
func (c *Client) RenewPinhole(ctx context.Context, p gateway.Pinhole, lease time.Duration) (gateway.Pinhole, error) {
	return c.OpenPinhole(ctx, p.Internal, lease)
}

// CheckPinhole implements gateway.Pinholer: PCP has no other question than a renewal.
func (c *Client) CheckPinhole(ctx context.Context, p gateway.Pinhole, lease time.Duration) (gateway.Pinhole, error) {
	return c.RenewPinhole(ctx, p, lease)
}

// ClosePinhole implements gateway.Pinholer. miniupnpd 2.3.1 forgets whose a pinhole is
// when that is renewed, and refuses to remove it: so it is given the shortest lease
// that there is, which renewing still does.
func (c *Client) ClosePinhole(ctx context.Context, p gateway.Pinhole) error {
	f, err := c.firewall(ctx, p.Internal.Addr())
	if err != nil {
		return fmt.Errorf("PCP removal of the pinhole to %s: %w", p.Internal, err)
	}
	err = f.forget(ctx, p.Internal)
	c.heard(f, err)
	if is(err, codeNoResources) {
		return nil // miniupnpd says so of one that it does not have
	}
	if !is(err, codeNotAuthorized) {
		return err
	}
	_, short := f.OpenPinhole(ctx, p.Internal, time.Second)
	f.newest = gateway.Mapping{}
	switch {
	case is(short, codeNotAuthorized):
		return nil // it is not ours
	case short != nil:
		return short
	}
	return fmt.Errorf("%w: %w", gateway.ErrEndsSoon, err)
}

// firewall is the client that asks for pinholes to an address of ours: a request maps
// to the address that it is sent from (section 11.1), so each has its own.
func (c *Client) firewall(ctx context.Context, internal netip.Addr) (*Client, error) {
	if internal == c.Local() && internal.Is6() {
		return c, nil
	}
	if f := c.firewalls[internal]; f != nil {
		return f, nil
	}
	if !c.cfg.Gateway6.Addr().IsValid() || !internal.Is6() {
		return nil, fmt.Errorf("%w: no IPv6 router is known to ask", gateway.ErrNoPinholes)
	}
	cfg := c.cfg
	cfg.Gateway, cfg.Local = cfg.Gateway6.Addr(), internal
	cfg.Port = cmp.Or(cfg.Gateway6.Port(), cfg.Port)
	f, err := discover(ctx, cfg)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", gateway.ErrNoPinholes, err)
	}
	if c.firewalls == nil {
		c.firewalls = map[netip.Addr]*Client{}
	}
	c.firewalls[internal] = f
	return f, nil
}

// heard takes in how a firewall answered: one that is silent is looked for again next
// time, and one that has lost its state tells so for all.
func (c *Client) heard(f *Client, err error) {
	if f.epoch.lost.After(c.epoch.lost) {
		c.epoch.lost = f.epoch.lost
	}
	if errors.Is(err, gateway.ErrGone) {
		delete(c.firewalls, f.Local())
	}
}
