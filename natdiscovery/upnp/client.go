package upnp

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"natftpd/natdiscovery/gateway"
)

// Client asks one router. It implements gateway.Client, gateway.Watcher and
// gateway.Pinholer.
type Client struct {
	cfg      Config
	web      *web
	device   gateway.Device
	home     home
	local    netip.Addr
	services []service // never empty; the one in use comes first

	firewalls []service // those of IPv6 that the description by IPv4 names
	firewall  *firewall // that was used last; nil: none

	habits habits
}

var (
	_ gateway.Client   = (*Client)(nil)
	_ gateway.Watcher  = (*Client)(nil)
	_ gateway.Pinholer = (*Client)(nil)
)

// Method is gateway.UPnP.
func (c *Client) Method() gateway.Method { return gateway.UPnP }

// Device says which router this is, and the service in use.
func (c *Client) Device() gateway.Device {
	d := c.device
	d.Service = c.services[0].kind()
	return d
}

// Local is the address that the last connection to the router was made from.
// Routers in secure mode map ports to no other (miniupnpd: error 606).
func (c *Client) Local() netip.Addr { return c.local }

// ExternalAddress asks for the router's WAN address (GetExternalIPAddress,
// WANIPC 2.5.15).
func (c *Client) ExternalAddress(ctx context.Context) (netip.Addr, error) {
	const action = "GetExternalIPAddress"
	var out struct{ NewExternalIPAddress string }
	err := c.ask(ctx, action, 0, nil, &out)
	switch {
	case code(err) == codeActionFailed:
		return netip.Addr{}, because(err, gateway.ErrNoWAN)
	case err != nil:
		return netip.Addr{}, err
	}
	text := strings.TrimSpace(out.NewExternalIPAddress)
	addr, ok := c.externalAddress(text)
	if !ok {
		return netip.Addr{}, fmt.Errorf("%s: %w: it tells %q", subject(action, 0), gateway.ErrNoWAN, printable(text))
	}
	return addr, nil
}

// externalAddress reads a WAN address and says whether it can be one. A private
// one can, behind another router; an address of the LAN itself is what some
// routers tell while their WAN is down.
func (c *Client) externalAddress(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = addr.Unmap()
	return addr, addr.Is4() && addr.IsGlobalUnicast() && addr.As4()[0] != 0 &&
		addr != c.device.Address && addr != c.local
}

// ask performs an action on the service in use. A service that does not know
// the action (errors 401 and 602) gives way to the next that does.
func (c *Client) ask(ctx context.Context, action string, port uint16, in, out any) error {
	var missing error
	for i, s := range c.services {
		err := c.askService(ctx, s, action, port, in, out)
		if n := code(err); n == codeInvalidAction || n == codeOptionalAction {
			missing = err
			continue
		}
		c.services[0], c.services[i] = c.services[i], c.services[0]
		return err
	}
	return missing
}

func (c *Client) askService(ctx context.Context, s service, action string, port uint16, in, out any) error {
	local, err := s.perform(ctx, c.web, action, in, out)
	if local.IsValid() {
		c.local = local
	}
	return explain(err, action, port, s)
}
