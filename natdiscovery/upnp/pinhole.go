package upnp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	tcp = "6" // the protocol number, which WANIPv6FC wants (2.3.4)
	// maxPinhole is the longest that a pinhole may live (WANIPv6FC 2.3.7).
	maxPinhole = 24 * time.Hour
)

// firewallTargets are searched for by IPv6, the best first.
var firewallTargets = []string{
	"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
	"urn:schemas-upnp-org:service:WANIPv6FirewallControl:1",
}

// OpenPinhole implements gateway.Pinholer (AddPinhole, WANIPv6FC 2.6.3).
func (c *Client) OpenPinhole(ctx context.Context, internal netip.AddrPort, lease time.Duration) (gateway.Pinhole, error) {
	addr := internal.Addr()
	if !addr.Is6() || addr.Is4In6() || addr.IsUnspecified() || internal.Port() == 0 {
		return gateway.Pinhole{}, fmt.Errorf("open a pinhole to %s: no such pinhole exists", internal)
	}
	lease = pinholeLease(lease)
	in := struct{ RemoteHost, RemotePort, InternalClient, InternalPort, Protocol, LeaseTime string }{
		RemotePort:     "0", // any, as is the empty RemoteHost
		InternalClient: addr.String(),
		InternalPort:   strconv.Itoa(int(internal.Port())),
		Protocol:       tcp,
		LeaseTime:      seconds(lease),
	}
	var out struct{ UniqueID string }
	if err := c.askFirewall(ctx, internal, "AddPinhole", &in, &out); err != nil {
		return gateway.Pinhole{}, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(out.UniqueID), 10, 16)
	if err != nil {
		return gateway.Pinhole{}, fmt.Errorf("%s: %w: the pinhole is called %q",
			subject("AddPinhole", internal.Port()), gateway.ErrProtocol, printable(out.UniqueID))
	}
	return gateway.Pinhole{Internal: internal, ID: strconv.FormatUint(id, 10), Granted: time.Now(), Lifetime: lease}, nil
}

// RenewPinhole implements gateway.Pinholer (UpdatePinhole, WANIPv6FC 2.6.4).
func (c *Client) RenewPinhole(ctx context.Context, p gateway.Pinhole, lease time.Duration) (gateway.Pinhole, error) {
	p.Lifetime = pinholeLease(lease)
	in := struct{ UniqueID, NewLeaseTime string }{p.ID, seconds(p.Lifetime)}
	if err := missing(c.askFirewall(ctx, p.Internal, "UpdatePinhole", &in, nil)); err != nil {
		return gateway.Pinhole{}, err
	}
	p.Granted = time.Now()
	return p, nil
}

// CheckPinhole implements gateway.Pinholer (CheckPinholeWorking, WANIPv6FC 2.6.6).
// One that nobody has come through yet is there, too. The action is optional, and
// what else a router answers is no proof: then the pinhole is renewed.
func (c *Client) CheckPinhole(ctx context.Context, p gateway.Pinhole, lease time.Duration) (gateway.Pinhole, error) {
	in := struct{ UniqueID string }{p.ID}
	var out struct{ IsWorking string }
	err := c.askFirewall(ctx, p.Internal, "CheckPinholeWorking", &in, &out)
	switch {
	case err == nil && truth(out.IsWorking), code(err) == codeNoTraffic:
		return p, nil
	case errors.Is(err, gateway.ErrNotMapped), err != nil && code(err) == 0:
		return gateway.Pinhole{}, err
	}
	return c.RenewPinhole(ctx, p, lease)
}

// ClosePinhole implements gateway.Pinholer (DeletePinhole, WANIPv6FC 2.6.5).
func (c *Client) ClosePinhole(ctx context.Context, p gateway.Pinhole) error {
	in := struct{ UniqueID string }{p.ID}
	if err := missing(c.askFirewall(ctx, p.Internal, "DeletePinhole", &in, nil)); !errors.Is(err, gateway.ErrNotMapped) {
		return err
	}
	return nil
}

// missing makes sense of an error about a pinhole that was there once: miniupnpd
// 2.3.1 with nftables says 402 of one that it does not know, where it means 704.
func missing(err error) error {
	if code(err) == codeInvalidArgs {
		return because(err, gateway.ErrNotMapped)
	}
	return err
}

func pinholeLease(lease time.Duration) time.Duration {
	if lease == 0 {
		return maxPinhole
	}
	return min(lease, maxPinhole)
}

// firewall is the gateway's service for pinholes to one address of ours.
type firewall struct {
	web      *web
	service  service
	internal netip.Addr
	detour   error // why it is asked by IPv4; nil: it is not
}

// askFirewall performs an action about a pinhole to internal.
func (c *Client) askFirewall(ctx context.Context, internal netip.AddrPort, action string, in, out any) error {
	f, err := c.firewallFor(ctx, internal.Addr())
	if err != nil {
		return fmt.Errorf("%s: %w", subject(action, internal.Port()), err)
	}
	err = f.ask(ctx, action, internal.Port(), in, out)
	switch {
	case errors.Is(err, gateway.ErrGone):
		c.firewall = nil // looked for again next time
	case f.detour != nil && code(err) == codeNotAuthorized:
		c.firewall = nil
		return fmt.Errorf("%w: %w; asked by IPv4, it says: %w", gateway.ErrNoPinholes, f.detour, err)
	}
	return err
}

func (f *firewall) ask(ctx context.Context, action string, port uint16, in, out any) error {
	_, err := f.service.perform(ctx, f.web, action, in, out)
	return explain(err, action, port, f.service)
}

// firewallFor finds the service that opens pinholes to one address of ours.
func (c *Client) firewallFor(ctx context.Context, internal netip.Addr) (*firewall, error) {
	if c.firewall != nil && c.firewall.internal == internal {
		return c.firewall, nil
	}
	f, err := c.findFirewall(ctx, internal)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && len(c.firewalls) == 0:
		return nil, fmt.Errorf("%w: %w", gateway.ErrNoPinholes, err)
	case err != nil:
		// Some routers do not insist on the address.
		f = &firewall{web: c.web, service: c.firewalls[0], internal: internal, detour: err}
	}
	if err := f.allows(ctx); err != nil {
		return nil, err
	}
	c.firewall = f
	return f, nil
}

// findFirewall looks for the gateway by IPv6, from the very address that the
// pinholes lead to: a gateway opens them for nobody else (WANIPv6FC 2.6.3; from
// another address miniupnpd answers 606).
func (c *Client) findFirewall(ctx context.Context, internal netip.Addr) (*firewall, error) {
	neighbours := []netip.Prefix{netip.MustParsePrefix("fe80::/10"), netip.PrefixFrom(internal, 64).Masked()}
	cfg := Config{Local: internal, LANs: slices.Concat(neighbours, c.cfg.LANs),
		Search: c.cfg.Search6, Wait: c.cfg.Wait, Timeout: c.cfg.Timeout}
	if len(cfg.Search) == 0 {
		lan, err := interfaceOf(internal)
		if err != nil {
			return nil, err
		}
		for _, g := range []netip.Addr{group6, groupSite6} {
			cfg.Search = append(cfg.Search, netip.AddrPortFrom(g.WithZone(lan.Name), ssdpPort))
		}
	}
	var f *firewall
	err := find(ctx, cfg.withDefaults(), firewallTargets, func(ctx context.Context, r reply) error {
		w := newWeb(internal, c.cfg.Timeout)
		root, _, err := describe(ctx, w, r.location)
		if err != nil {
			return fmt.Errorf("read the description at %s: %w", r.location.Host, err)
		}
		found := services(root, r.location, firewallTypes)
		if len(found) == 0 {
			return fmt.Errorf("the device at %s opens no pinholes", r.from)
		}
		f = &firewall{web: w, service: found[0], internal: internal}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search by IPv6 from %s: %w", internal, err)
	}
	return f, nil
}

// allows asks whether pinholes can be had (GetFirewallStatus, WANIPv6FC 2.6.1).
func (f *firewall) allows(ctx context.Context) error {
	const action = "GetFirewallStatus"
	var out struct{ FirewallEnabled, InboundPinholeAllowed string }
	err := f.ask(ctx, action, 0, nil, &out)
	switch {
	case code(err) != 0:
		return nil // it does not tell; it will say so when asked for a pinhole
	case err != nil:
		return err
	case !truth(out.FirewallEnabled):
		return fmt.Errorf("%s: %w", subject(action, 0), gateway.ErrOpen)
	case !truth(out.InboundPinholeAllowed):
		return fmt.Errorf("%s: %w", subject(action, 0), gateway.ErrNoPinholes)
	}
	return nil
}

// interfaceOf is the network interface that has an address of ours.
func interfaceOf(addr netip.Addr) (*net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the network interfaces: %w", err)
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			continue // it is going away
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == addr {
				return &i, nil
			}
		}
	}
	return nil, fmt.Errorf("no network interface has the address %s", addr)
}
