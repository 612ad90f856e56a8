package natpmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Client asks one gateway. It implements gateway.Client and gateway.Forgetful.
type Client struct {
	link  Link
	epoch epoch
}

var _ gateway.Forgetful = (*Client)(nil)

// Method is gateway.NATPMP.
func (c *Client) Method() gateway.Method { return gateway.NATPMP }

// Device says where the gateway is; NAT-PMP tells no more of it.
func (c *Client) Device() gateway.Device {
	return gateway.Device{Address: c.link.Gateway.Addr(), Service: "NAT-PMP"}
}

// Local is the address that requests are sent from, and the only one that NAT-PMP
// maps ports to (section 3.3).
func (c *Client) Local() netip.Addr { return c.link.Local }

// Forgot is when the gateway was last noticed to have lost its mappings (section
// 3.6).
func (c *Client) Forgot() time.Time { return c.epoch.lost }

// ExternalAddress asks for the gateway's external address (section 3.2).
func (c *Client) ExternalAddress(ctx context.Context) (netip.Addr, error) {
	const subject = "NAT-PMP external address"
	a, _, err := c.ask(ctx, subject, addressRequest())
	if err != nil {
		return netip.Addr{}, err
	}
	// Its own or our LAN address is what some tell while their WAN is down.
	if !gateway.External(a.address) || a.address == c.link.Gateway.Addr() || a.address == c.link.Local {
		return netip.Addr{}, fmt.Errorf("%s: %w: it tells %v", subject, gateway.ErrNoWAN, a.address)
	}
	return a.address, nil
}

// Map adds or renews a mapping. NAT-PMP grants another external port when the one
// asked for is not free, which is no use here, where both have to be the same: it is
// given back, and the error is gateway.ErrConflict. What the gateway refuses comes
// back as *Fault.
func (c *Client) Map(ctx context.Context, r gateway.Request) (gateway.Mapping, error) {
	subject := fmt.Sprintf("NAT-PMP mapping of TCP port %d", r.External)
	if err := c.link.Maps(r); err != nil {
		return gateway.Mapping{}, fmt.Errorf("%s: %w", subject, err)
	}
	a, granted, err := c.ask(ctx, subject, mapRequest(r.Internal.Port(), r.External, Seconds(r.Lease)))
	switch {
	case err != nil:
		return gateway.Mapping{}, err
	case a.external != r.External:
		err := fmt.Errorf("%s: %w: port %d was granted instead", subject, gateway.ErrConflict, a.external)
		if problem := c.giveBack(ctx, r.Internal.Port()); problem != nil {
			err = fmt.Errorf("%w, and not taken back: %w", err, problem)
		}
		return gateway.Mapping{}, err
	case a.lifetime == 0:
		return gateway.Mapping{}, fmt.Errorf("%s: %w: granted for no time at all", subject, gateway.ErrProtocol)
	}
	return gateway.Mapping{Request: r, Granted: granted, Lifetime: time.Duration(a.lifetime) * time.Second}, nil
}

// Check renews m, because NAT-PMP can't read the table of mappings. A mapping that
// only this one has lost is put back by it; a gateway that has lost all since m was
// granted gives gateway.ErrNotMapped.
func (c *Client) Check(ctx context.Context, m gateway.Mapping) error {
	if _, err := c.Map(ctx, m.Request); err != nil {
		return err
	}
	if m.Granted.Before(c.epoch.lost) {
		return fmt.Errorf("NAT-PMP mapping of TCP port %d: %w: it has lost its mappings at %s",
			m.External, gateway.ErrNotMapped, c.epoch.lost.Format(time.TimeOnly))
	}
	return nil
}

// Unmap removes m. One that has gone already is removed without an error (section
// 3.4), and the gateway refuses for one that is not ours.
func (c *Client) Unmap(ctx context.Context, m gateway.Mapping) error {
	if err := c.link.Maps(m.Request); err != nil {
		return fmt.Errorf("NAT-PMP removal of TCP port %d: %w", m.External, err)
	}
	err := c.remove(ctx, m.Internal.Port())
	var f *Fault
	if errors.As(err, &f) && f.Code == codeRefused {
		return nil
	}
	return err
}

// giveBackWithin bounds the return of a port that nobody wants.
const giveBackWithin = time.Second

// giveBack removes a mapping that is not the one asked for, also when the caller has
// lost patience.
func (c *Client) giveBack(ctx context.Context, internal uint16) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackWithin)
	defer cancel()
	return c.remove(ctx, internal)
}

// remove removes what is mapped to our port, whichever external port that is: the
// gateway looks at the internal one alone (section 3.4).
func (c *Client) remove(ctx context.Context, internal uint16) error {
	_, _, err := c.ask(ctx, fmt.Sprintf("NAT-PMP removal of TCP port %d", internal), mapRequest(internal, 0, 0))
	return err
}

// ask sends a request, and returns the answer and when it came.
func (c *Client) ask(ctx context.Context, subject string, request []byte) (answer, time.Time, error) {
	var a answer
	err := c.link.Ask(ctx, request, func(datagram []byte) (ok bool) {
		a, ok = parse(datagram, request)
		return ok
	})
	now := time.Now()
	if err != nil {
		return answer{}, now, fmt.Errorf("%s at %s: %w", subject, c.link.Gateway.Addr(), err)
	}
	if a.version == version {
		c.epoch = c.epoch.next(a.epoch, now)
	}
	if a.result != codeSuccess {
		return answer{}, now, &Fault{Request: subject, Code: a.result}
	}
	return a, now, nil
}
