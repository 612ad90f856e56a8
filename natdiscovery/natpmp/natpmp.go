// Package natpmp asks a home router for port mappings by NAT-PMP (RFC 6886), over
// IPv4. It also holds the way to the router's port 5351, which PCP has taken over
// from NAT-PMP (RFC 6887, section 9): Link.
//
// Answers are believed only from the gateway that was asked, at the port that was
// asked, and only if they answer the very request. The package keeps no timer, no
// lease and no goroutine between calls. It knows nothing of the loop that calls it,
// of other methods, and of FTP.
//
// Sections are those of RFC 6886, where no other is named.
package natpmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Port is the UDP port that gateways listen on for NAT-PMP and PCP (section 3.1;
// RFC 6887, section 19.1).
const Port = 5351

// Config says which gateway to ask and from where.
type Config struct {
	// Gateway is the default gateway: the only one that NAT-PMP can be spoken
	// to (section 3).
	Gateway netip.Addr
	// Local is our own address in the LAN, which requests are sent from. The
	// zero Addr: the system chooses.
	Local netip.Addr
	// Port is the gateway's port. Zero: 5351.
	Port uint16
	// RTO is the pause before a request is sent for the second time; each
	// further pause is twice as long. Zero: 250 ms (section 3.1). A search
	// takes 7 times as long, any other request 15 times, if nobody answers.
	RTO time.Duration
}

const (
	defaultRTO = 250 * time.Millisecond
	// searchTries and requestTries are how often a request is sent. The RFC's
	// 9 would hold the caller for two minutes: the loop that calls comes again
	// by itself, and something else may open the ports meanwhile.
	searchTries  = 3
	requestTries = 4
)

// Discover asks the gateway for its external address, to find out whether it
// speaks NAT-PMP. A gateway without an external address at this moment does.
// Discover returns gateway.ErrNotFound, with the reason, when it does not, or
// refuses.
func Discover(ctx context.Context, cfg Config) (*Client, error) {
	c, err := discover(ctx, cfg)
	switch {
	case errors.Is(err, context.Canceled):
		return nil, fmt.Errorf("search for a NAT-PMP gateway: %w", err)
	case err != nil:
		return nil, fmt.Errorf("search for a NAT-PMP gateway: %w: %w", gateway.ErrNotFound, err)
	}
	return c, nil
}

func discover(ctx context.Context, cfg Config) (*Client, error) {
	if !cfg.Gateway.Unmap().Is4() {
		return nil, errors.New("no IPv4 gateway is known")
	}
	link, err := NewLink(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{link: link}
	if _, err := c.ExternalAddress(ctx); err != nil && !errors.Is(err, gateway.ErrNoWAN) {
		return nil, err
	}
	c.link = link.Patient()
	return c, nil
}
