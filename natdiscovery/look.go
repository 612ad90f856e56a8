package natdiscovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

// Look is one look at the network as it is: what the loop makes of it, and the
// evidence behind that.
type Look struct {
	Status Status
	// STUN are the answers of the servers, one by one.
	STUN []stun.Answer
	// Search is why no gateway was found; nil if one was, or none was asked.
	Search error
	// Tried says that ports were opened on the gateway to see whether that
	// works, and closed again. Otherwise the gateway was only asked.
	Tried bool
	// Took is how long the look took.
	Took time.Duration
}

// lookTimeout bounds a look: the slowest search, and a slow router's answers.
const lookTimeout = 20 * time.Second

// Once looks at the network once and leaves the gateway as it was. With serving,
// a server runs beside it and owns the mappings: they are only asked for. Without
// one it also tries whether the gateway opens the ports, and closes those again
// that it opened itself.
func Once(ctx context.Context, cfg Config, serving bool) Look {
	began := time.Now()
	// The journal is the server's. Its secret tells PCP that we are the same host;
	// and a gateway can't be asked what pinholes it has, so its word counts.
	left := store(cfg.StateDir).peek()
	cfg.StateDir, cfg.Pinholes = "", false
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg = cfg.withDefaults(left.secret)
	g := &guest{serving: serving, listed: left.mappings, opened: map[uint16]bool{}, searches: map[gateway.Method]error{}}
	cfg = g.watched(cfg)

	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	d := newDiscovery(cfg, journal{})
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	settle(ctx, d)
	status := *d.Status()
	if serving {
		for _, p := range left.pinholes {
			status.Pinholes = append(status.Pinholes, Pinhole{Internal: p.pinhole.Internal, State: PortVerified, Method: p.method})
		}
	}
	cancel()
	running.Wait() // it has closed what was tried

	g.mu.Lock()
	defer g.mu.Unlock()
	if g.unasked && status.Verdict == GatewayRefuses {
		status.Advice = "run doctor as the user that runs the server, or see natftpd status: " +
			"the router can't be asked for ports that the journal in state_dir does not list"
	}
	return Look{Status: status, STUN: g.answers, Search: g.search(cfg.Methods), Tried: g.tried, Took: time.Since(began)}
}

// settle waits until the loop has made up its mind, and STUN has spoken.
func settle(ctx context.Context, d *Discovery) {
	for {
		changed, st := d.Changed(), d.Status()
		if st.settled() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// settled says whether the first round over everything is through.
func (s *Status) settled() bool {
	if s.Probing || s.Verdict == VerdictLooking || s.Verdict == "" || s.Control.State == PortPending {
		return false
	}
	return !slices.ContainsFunc(s.Passive, func(p Port) bool { return p.State == PortPending })
}

// guest stands between the loop and the gateway and takes care that the gateway
// is left as it was found. It notes what the loop is told.
type guest struct {
	serving bool
	listed  []remnant // in the journal, by which a server renews them

	mu       sync.Mutex
	opened   map[uint16]bool // external ports that were opened for the look
	answers  []stun.Answer
	searches map[gateway.Method]error // what came of each
	tried    bool
	unasked  bool // a port that the server may have
}

// search is why no method found a gateway, nil if one did.
func (g *guest) search(methods []gateway.Method) (all error) {
	for _, m := range methods {
		err, tried := g.searches[m]
		switch {
		case tried && err == nil:
			return nil
		case all == nil:
			all = err
		case err != nil:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

// watched is cfg with the guest in between.
func (g *guest) watched(cfg Config) Config {
	cfg.Announcements = nil // a look does not wait for any
	if !g.serving {
		cfg.TryHairpin = nil // nobody would answer
	}
	discover, ask := cfg.Discover, cfg.AskSTUN
	cfg.Discover = func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
		client, err := discover(ctx, n, m)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.searches[m] = err
		if err != nil {
			return nil, err
		}
		return guestClient{client, g}, nil
	}
	if ask != nil {
		cfg.AskSTUN = func(ctx context.Context) []stun.Answer {
			answers := ask(ctx)
			g.mu.Lock()
			defer g.mu.Unlock()
			g.answers = answers
			return answers
		}
	}
	return cfg
}

// errNotOpen is what a running server's missing mapping is, errNotAsked one that can't
// be asked for.
var (
	errNotOpen  = fmt.Errorf("%w: the running server has not opened it; natftpd status tells why", gateway.ErrRefused)
	errNotAsked = fmt.Errorf("%w: it was not asked, for the journal in state_dir does not list the port as the running server's", gateway.ErrRefused)
)

// guestClient asks a gateway without changing it for longer than the look.
type guestClient struct {
	gateway.Client
	guest *guest
}

// Map finds the mapping in place, or tries it.
func (c guestClient) Map(ctx context.Context, r gateway.Request) (gateway.Mapping, error) {
	m := gateway.Mapping{Request: r, Granted: time.Now()}
	if c.guest.serving && !c.readsTable() && !c.listed(r) {
		c.guest.mu.Lock()
		defer c.guest.mu.Unlock()
		c.guest.unasked = true
		return m, errNotAsked
	}
	if !c.readsTable() {
		c.note(r.External)
	}
	err := c.Client.Check(ctx, m)
	if err == nil || !errors.Is(err, gateway.ErrNotMapped) {
		return m, err
	}
	if c.guest.serving {
		return m, errNotOpen
	}
	c.note(r.External)
	return c.Client.Map(ctx, r)
}

// readsTable says whether the method can look without opening: PCP and NAT-PMP can't.
func (c guestClient) readsTable() bool { return c.Method() == gateway.UPnP }

// listed says whether the journal has a mapping by this method. Where the method can't
// look it renews, and without the server's own nonce that would take the mapping over:
// miniupnpd then lets the server remove it no more.
func (c guestClient) listed(r gateway.Request) bool {
	return slices.ContainsFunc(c.guest.listed, func(l remnant) bool {
		return l.method == c.Method() && sameMapping(l.mapping.Request, r)
	})
}

// note remembers that a port may be opened now. A server that runs keeps it.
func (c guestClient) note(port uint16) {
	if c.guest.serving {
		return
	}
	c.guest.mu.Lock()
	defer c.guest.mu.Unlock()
	c.guest.opened[port], c.guest.tried = true, true
}

// Unmap closes what the look opened, and nothing else.
func (c guestClient) Unmap(ctx context.Context, m gateway.Mapping) error {
	c.guest.mu.Lock()
	ours := c.guest.opened[m.External]
	c.guest.mu.Unlock()
	if !ours {
		return nil
	}
	return c.Client.Unmap(ctx, m)
}

// Rule is one line of a router's port forwarding page: TCP ports First to Last
// go to the host To, which listens on Internal and the ports after it.
type Rule struct {
	First, Last uint16
	To          netip.Addr
	Internal    uint16
}

// Rules are what has to be typed into the router by hand when it opens nothing
// by itself.
func (s *Status) Rules() []Rule {
	to := s.Network.Local
	rules := []Rule{{s.Control.External, s.Control.External, to, s.Control.Internal}}
	if n := len(s.Passive); n > 0 { // one range, the same outside and inside
		first, last := s.Passive[0].External, s.Passive[n-1].External
		rules = append(rules, Rule{first, last, to, first})
	}
	if p := s.Implicit; p.Internal != 0 {
		rules = append(rules, Rule{p.External, p.External, to, p.Internal})
	}
	return rules
}
