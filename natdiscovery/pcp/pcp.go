// Package pcp asks a home router for port mappings by the Port Control Protocol (RFC
// 6887), and for holes in its IPv6 firewall, which PCP takes for mappings that change
// no address. It also chooses between PCP and its elder brother NAT-PMP, and hears
// what routers announce by either.
//
// Answers are believed only from the gateway that was asked, at the port that was
// asked, and only if they answer the very request, nonce included. The package keeps
// no timer and no goroutine between calls. It knows nothing of the loop that calls
// it, of UPnP, and of FTP.
//
// Sections are those of RFC 6887, where no other is named.
package pcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/natpmp"
)

// Config says which gateway to ask and from where.
type Config struct {
	// Gateway is the default gateway (section 8.1): its IPv4 address for
	// mappings, its IPv6 address (with a zone, if link-local) for holes in the
	// IPv6 firewall.
	Gateway netip.Addr
	// Gateway6 is the same gateway's IPv6 address, which a client of its IPv4
	// address asks for such holes. Its port: 0 is that of Port. The zero AddrPort:
	// none is known.
	Gateway6 netip.AddrPort
	// Local is our own address, which requests are sent from and mappings lead
	// to; of Gateway's family, and a public one for IPv6. The zero Addr: the
	// system chooses, which may be a link-local one for IPv6.
	Local netip.Addr
	// Port is the gateway's port. Zero: 5351.
	Port uint16
	// RTO is the pause before a request is sent for the second time; each
	// further pause is twice as long. Zero: 250 ms. A search takes 7 times as
	// long, any other request 15 times, if nobody answers.
	RTO time.Duration
	// Secret is what the nonces of mappings are made from. A mapping can be
	// renewed and removed only with the nonce that it was made with (section
	// 11.3), so the same secret must be given to every client, also after a
	// restart: make it by NewSecret once, and keep it. The zero Secret: one for
	// this client alone.
	Secret Secret
}

// link is the configuration of the link to the gateway.
func (cfg Config) link() natpmp.Config {
	return natpmp.Config{Gateway: cfg.Gateway, Local: cfg.Local, Port: cfg.Port, RTO: cfg.RTO}
}

// Discover finds out whether the gateway speaks PCP or NAT-PMP, by asking for both
// at once, and returns a client of the better one: *Client or *natpmp.Client. It
// returns gateway.ErrNotFound, with the reasons, when the gateway speaks neither or
// refuses both, and gateway.ErrBehindNAT besides when PCP tells of a NAT on the way,
// through which NAT-PMP would open ports of the wrong host.
func Discover(ctx context.Context, cfg Config) (gateway.Client, error) {
	f := search(ctx, cfg)
	switch {
	case f.noPCP == nil:
		return f.pcp, nil
	case errors.Is(f.noPCP, gateway.ErrBehindNAT):
		return nil, f.noPCP
	case f.noNATPMP == nil:
		return f.natpmp, nil
	}
	return nil, fmt.Errorf("%w; %w", f.noPCP, f.noNATPMP)
}

// Probe is Discover for PCP alone. The client asks for the external address by
// NAT-PMP where the gateway speaks that, too.
func Probe(ctx context.Context, cfg Config) (*Client, error) {
	f := search(ctx, cfg)
	return f.pcp, f.noPCP
}

// findings are what came of a search: by either method a client, or why there is
// none.
type findings struct {
	pcp             *Client
	natpmp          *natpmp.Client
	noPCP, noNATPMP error
}

func search(ctx context.Context, cfg Config) findings {
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	// Whoever answers first waits for the other no longer than an answer to the
	// second try takes: some drop what they don't understand, and weak ones lose a
	// request that comes together with another.
	answered := func(err error) {
		if err == nil {
			time.AfterFunc(2*cmp.Or(cfg.RTO, grace), cancel)
		}
	}
	var f findings
	var running sync.WaitGroup
	running.Go(func() { f.pcp, f.noPCP = discover(both, cfg); answered(f.noPCP) })
	running.Go(func() { f.natpmp, f.noNATPMP = natpmp.Discover(both, cfg.link()); answered(f.noNATPMP) })
	running.Wait()
	switch {
	case f.noPCP == nil:
		f.pcp.natpmp = f.natpmp
	case f.noNATPMP == nil && ctx.Err() == nil && errors.Is(f.noPCP, context.Canceled):
		f.noPCP = fmt.Errorf("search for a PCP gateway: %w: it answers NAT-PMP alone", gateway.ErrNotFound)
	}
	return f
}

// grace is half of how long the slower of two answers is waited for: the time to its
// second try.
const grace = 250 * time.Millisecond

// discover finds out whether the gateway speaks PCP, by an ANNOUNCE request (section
// 14.1), which changes nothing. A gateway without an external address at this moment
// does.
func discover(ctx context.Context, cfg Config) (*Client, error) {
	c, err := connect(ctx, cfg)
	switch {
	case errors.Is(err, context.Canceled):
		return nil, fmt.Errorf("search for a PCP gateway: %w", err)
	case err != nil:
		return nil, fmt.Errorf("search for a PCP gateway: %w: %w", gateway.ErrNotFound, err)
	}
	return c, nil
}

func connect(ctx context.Context, cfg Config) (*Client, error) {
	if !cfg.Gateway.IsValid() {
		return nil, errors.New("no gateway is known")
	}
	link, err := natpmp.NewLink(cfg.link())
	if err != nil {
		return nil, err
	}
	if cfg.Secret == (Secret{}) {
		cfg.Secret = NewSecret()
	}
	c := &Client{cfg: cfg, link: link, secret: cfg.Secret}
	if err := c.announce(ctx); err != nil && !errors.Is(err, gateway.ErrNoWAN) {
		return nil, err
	}
	c.link = link.Patient()
	return c, nil
}
