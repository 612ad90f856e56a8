package pcp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/natpmp"
)

// Client asks one gateway. It implements gateway.Client and gateway.Forgetful. Where
// our own address is an IPv6 one, its mappings are holes in the gateway's firewall.
type Client struct {
	cfg    Config
	link   natpmp.Link
	secret Secret
	epoch  epoch
	// natpmp asks the same gateway by NAT-PMP. nil: it speaks PCP alone.
	natpmp *natpmp.Client
	// plain: this gateway does not know the option PREFER_FAILURE.
	plain bool
	// newest is the mapping granted last, by which ExternalAddress learns the
	// address. The zero Mapping: none.
	newest gateway.Mapping
	// firewalls ask the same gateway by IPv6, by the address of ours that they
	// ask from and for.
	firewalls map[netip.Addr]*Client
}

var _ gateway.Forgetful = (*Client)(nil)

// Method is gateway.PCP.
func (c *Client) Method() gateway.Method { return gateway.PCP }

// Device says where the gateway is; PCP tells no more of it.
func (c *Client) Device() gateway.Device {
	return gateway.Device{Address: c.link.Gateway.Addr(), Service: "PCP"}
}

// Local is the address that requests are sent from, and the only one that they map
// ports to (section 11.1).
func (c *Client) Local() netip.Addr { return c.link.Local }

// Forgot is when the gateway was last noticed to have lost its mappings (section
// 8.5).
func (c *Client) Forgot() time.Time {
	if c.natpmp != nil && c.natpmp.Forgot().After(c.epoch.lost) {
		return c.natpmp.Forgot()
	}
	return c.epoch.lost
}

// Map adds or renews a mapping of the very port that is asked for (PREFER_FAILURE,
// section 13.2). What the gateway refuses comes back as *Fault.
func (c *Client) Map(ctx context.Context, r gateway.Request) (gateway.Mapping, error) {
	subject := fmt.Sprintf("PCP mapping of TCP port %d", r.External)
	if err := c.link.Maps(r); err != nil {
		return gateway.Mapping{}, fmt.Errorf("%s: %w", subject, err)
	}
	a, granted, err := c.mapTCP(ctx, subject, r)
	switch {
	case err != nil:
		return gateway.Mapping{}, err
	case a.mapping.external != r.External:
		err := fmt.Errorf("%s: %w: port %d was granted instead", subject, gateway.ErrConflict, a.mapping.external)
		if problem := c.giveBack(ctx, protocolTCP, r.Internal); problem != nil {
			err = fmt.Errorf("%w, and not taken back: %w", err, problem)
		}
		return gateway.Mapping{}, err
	case a.lifetime == 0:
		return gateway.Mapping{}, fmt.Errorf("%s: %w: granted for no time at all", subject, gateway.ErrProtocol)
	}
	c.newest = gateway.Mapping{Request: r, Granted: granted, Lifetime: time.Duration(a.lifetime) * time.Second}
	return c.newest, nil
}

// mapTCP asks for r, without PREFER_FAILURE where the gateway does not know that.
func (c *Client) mapTCP(ctx context.Context, subject string, r gateway.Request) (response, time.Time, error) {
	m := c.mapping(protocolTCP, r.Internal)
	m.external = r.External
	lifetime := natpmp.Seconds(r.Lease)
	if !c.plain {
		a, granted, err := c.ask(ctx, subject, mapRequest(c.Local(), lifetime, m, preferFailure))
		if c.plain = is(err, codeOption); !c.plain {
			return a, granted, err
		}
	}
	return c.ask(ctx, subject, mapRequest(c.Local(), lifetime, m, nil))
}

// mapping is one of an internal port, without a wish for an external port or address.
// The address that wishes for none tells the family (section 11.2).
func (c *Client) mapping(protocol byte, internal netip.AddrPort) mapping {
	m := mapping{nonce: c.secret.nonce(protocol, internal), protocol: protocol,
		internal: internal.Port(), address: netip.IPv6Unspecified()}
	if c.Local().Is4() {
		m.address = netip.IPv4Unspecified()
	}
	return m
}

// Check renews m, because PCP can't read the table of mappings. A mapping that only
// this one has lost is put back by it; a gateway that has lost all since m was
// granted gives gateway.ErrNotMapped.
func (c *Client) Check(ctx context.Context, m gateway.Mapping) error {
	if _, err := c.Map(ctx, m.Request); err != nil {
		return err
	}
	if lost := c.Forgot(); m.Granted.Before(lost) {
		return fmt.Errorf("PCP mapping of TCP port %d: %w: it has lost its mappings at %s",
			m.External, gateway.ErrNotMapped, lost.Format(time.TimeOnly))
	}
	return nil
}

// Unmap removes m. One that has gone already is removed without an error (section
// 15.1), and the gateway refuses for one that is not ours.
func (c *Client) Unmap(ctx context.Context, m gateway.Mapping) error {
	if err := c.link.Maps(m.Request); err != nil {
		return fmt.Errorf("PCP removal of TCP port %d: %w", m.External, err)
	}
	err := c.forget(ctx, m.Internal)
	// miniupnpd says NO_RESOURCES of a mapping that it does not have.
	if is(err, codeNotAuthorized) || is(err, codeNoResources) {
		return nil
	}
	return err
}

// forget removes the TCP mapping of an internal port.
func (c *Client) forget(ctx context.Context, internal netip.AddrPort) error {
	if c.newest.Internal == internal {
		c.newest = gateway.Mapping{}
	}
	return c.remove(ctx, protocolTCP, internal)
}

// giveBackWithin bounds the return of a mapping that nobody wants.
const giveBackWithin = time.Second

// giveBack removes such a mapping, also when the caller has lost patience.
func (c *Client) giveBack(ctx context.Context, protocol byte, internal netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackWithin)
	defer cancel()
	return c.remove(ctx, protocol, internal)
}

// remove removes a mapping (section 15.1).
func (c *Client) remove(ctx context.Context, protocol byte, internal netip.AddrPort) error {
	subject := fmt.Sprintf("PCP removal of port %d", internal.Port())
	_, _, err := c.ask(ctx, subject, mapRequest(c.Local(), 0, c.mapping(protocol, internal), nil))
	return err
}

// announce asks whether the server is there, and for its epoch (section 14.1). One
// that does not know the opcode is there, too.
func (c *Client) announce(ctx context.Context) error {
	_, _, err := c.ask(ctx, "PCP announce", announceRequest(c.Local()))
	if is(err, codeOpcode) {
		return nil
	}
	return err
}

// ask sends a request, and returns the response and when it came.
func (c *Client) ask(ctx context.Context, subject string, request []byte) (response, time.Time, error) {
	var a response
	err := c.link.Ask(ctx, request, func(datagram []byte) (ok bool) {
		a, ok = parse(datagram, request)
		return ok
	})
	now := time.Now()
	if err != nil {
		return response{}, now, fmt.Errorf("%s at %s: %w", subject, c.link.Gateway.Addr(), err)
	}
	if a.version == version {
		c.epoch = c.epoch.next(a.epoch, now)
	}
	if a.result != codeSuccess {
		return response{}, now, &Fault{Request: subject, Code: a.result}
	}
	return a, now, nil
}

// is says whether err is a gateway's refusal with that code.
func is(err error, code Code) bool {
	var f *Fault
	return errors.As(err, &f) && f.Code == code
}
