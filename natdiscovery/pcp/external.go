package pcp

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// A mapping that is made to see the external address alone (section 11.6). The RFC
// proposes the port of Discard; this one is not below 1024, which routers' rules often
// forbid (miniupnpd's sample).
const (
	glimpsePort     = 49161
	glimpseLifetime = 120 // seconds: the shortest that gateways grant (section 15)
)

// ExternalAddress asks for the gateway's external address. PCP has no such request,
// but tells the address with each mapping. So it is asked by NAT-PMP where the gateway
// speaks that too, which most do; else by renewing the mapping that was granted last;
// and while there is none, by one of UDP port 49161 that is removed again at once.
//
// Over IPv6 no address is changed: it is our own, once the gateway has answered.
func (c *Client) ExternalAddress(ctx context.Context) (netip.Addr, error) {
	const subject = "PCP external address"
	var a response
	var err error
	switch {
	case c.Local().Is6():
		if err := c.announce(ctx); err != nil {
			return netip.Addr{}, err
		}
		return c.Local(), nil
	case c.natpmp != nil:
		return c.natpmp.ExternalAddress(ctx)
	case time.Now().Before(c.newest.Expires()):
		a, _, err = c.mapTCP(ctx, subject, c.newest.Request)
	default:
		a, err = c.glimpse(ctx, subject)
	}
	if err != nil {
		c.newest = gateway.Mapping{}
		return netip.Addr{}, err
	}
	told := a.mapping.address
	if !gateway.External(told) || told == c.link.Gateway.Addr() || told == c.Local() {
		return netip.Addr{}, fmt.Errorf("%s: %w: it tells %v", subject, gateway.ErrNoWAN, told)
	}
	return told, nil
}

// glimpse makes a mapping and removes it again.
func (c *Client) glimpse(ctx context.Context, subject string) (response, error) {
	internal := netip.AddrPortFrom(c.Local(), glimpsePort)
	a, _, err := c.ask(ctx, subject, mapRequest(c.Local(), glimpseLifetime, c.mapping(protocolUDP, internal), nil))
	if err != nil {
		return response{}, err
	}
	_ = c.giveBack(ctx, protocolUDP, internal) // or it ends by itself
	return a, nil
}
