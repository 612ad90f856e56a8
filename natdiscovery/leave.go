package natdiscovery

import (
	"context"
	"errors"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// leaveTimeout bounds the removal of all our mappings at the end. Whoever kills
	// us sooner leaves the rest to the journal.
	leaveTimeout = 8 * time.Second
	// lastSearch bounds, within that, the search for a gateway, or for a method,
	// without which something would be left.
	lastSearch = 3 * time.Second
)

// leave returns what is to be removed at the end, on a gateway that may be the one in
// use. A mapping that is being asked for at this moment may be there as well; one that
// is being renewed is removed once, like the others.
func (c *core) leave() []remnant {
	list := slices.Clone(c.gw.stale)
	for i := range c.ports {
		list = append(list, c.leftovers(&c.ports[i])...)
	}
	if a, ok := c.gw.doing.(mapPort); ok {
		asked := c.remnant(c.gw.method, gateway.Mapping{Request: a.request})
		if !slices.ContainsFunc(list, asked.sameRow) {
			list = append(list, asked)
		}
	}
	for _, r := range c.former {
		if c.mayBeHere(r.device) {
			list = append(list, r)
		}
	}
	return list
}

// mayBeHere says whether a gateway is, or may turn out to be, the one in use.
func (c *core) mayBeHere(d gateway.Device) bool {
	return !c.gw.found || sameGateway(d, c.gw.identity)
}

// left is the journal at the end, when some mappings could not be removed.
func (c *core) left(list []remnant, pinholes []leftPinhole) journal {
	now := c.journal()
	j := journal{external: now.external, secret: now.secret, mappings: list, pinholes: pinholes}
	for _, r := range c.former {
		if !c.mayBeHere(r.device) {
			j.mappings = append(j.mappings, r)
		}
	}
	return j
}

// lacking are the methods to be searched for at the end: all of them while no gateway
// is found, and else those that made what nobody else can remove.
func (c *core) lacking(now time.Time) []gateway.Method {
	mappings, pinholes := c.leave(), c.leavePinholes()
	if !c.gw.found {
		if len(mappings)+len(pinholes) == 0 {
			return nil
		}
		return c.preferred(now)
	}
	return slices.DeleteFunc(c.preferred(now), func(m gateway.Method) bool {
		return !slices.ContainsFunc(mappings, func(r remnant) bool { return r.method == m && c.remover(r) == nil }) &&
			!slices.ContainsFunc(pinholes, func(p leftPinhole) bool { return p.method == m && c.closer(p) == nil })
	})
}

// joins takes in what came of the search at the end.
func (c *core) joins(e discovered, now time.Time) {
	if !c.gw.found {
		if a, ok := c.gw.doing.(mapPort); ok {
			c.unsure(&c.ports[a.index], a.request)
		}
		e.apply(c, now)
		return
	}
	for _, f := range c.serving(e.findings) {
		c.gw.beside = append(c.gw.beside, f)
		c.pinholes.join(f)
	}
}

// leave removes our mappings and pinholes from the gateway, as far as it answers in
// time, and leaves word of the others to the next start.
func (d *Discovery) leave(ctx context.Context, c *core) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	d.searchOnce(ctx, c)
	mappings, pinholes := c.leave(), c.leavePinholes()
	left, openStill := d.remove(ctx, c, mappings), d.close(ctx, c, pinholes)
	log, gw := d.cfg.Log, c.gw.identity.Address
	switch {
	case len(left)+len(openStill) == 0 && len(mappings)+len(pinholes) > 0:
		log.Info("mappings removed from the gateway", "count", len(mappings), "ipv6_pinholes", len(pinholes), "gateway", gw)
	case len(left)+len(openStill) == 0:
	case c.gw.found:
		log.Warn("mappings left on the gateway", "count", len(left), "ipv6_pinholes", len(openStill), "gateway", gw)
	default:
		log.Warn("gateway not found: mappings stay until their leases end, or the next start removes them",
			"count", len(left), "ipv6_pinholes", len(openStill))
	}
	if d.cfg.StateDir == "" {
		return
	}
	if err := store(d.cfg.StateDir).save(c.left(left, openStill)); err != nil {
		d.cfg.Log.Warn("journal not written", "error", err)
	}
}

// searchOnce looks for whoever is needed to remove what is left, such as the gateway
// of the journal when the end comes before the first search has ended.
func (d *Discovery) searchOnce(ctx context.Context, c *core) {
	methods := c.lacking(time.Now())
	if len(methods) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastSearch)
	defer cancel()
	if !c.network.known {
		readNetwork{}.do(ctx, d.cfg).apply(c, time.Now())
	}
	found := discover{c.network.Network, methods}.find(ctx, d.cfg)
	c.joins(found, time.Now())
}

// remove removes mappings and returns those that are left. Whoever does not answer is
// not asked again.
func (d *Discovery) remove(ctx context.Context, c *core, list []remnant) (left []remnant) {
	dead := map[gateway.Client]bool{}
	for _, r := range list {
		client := c.remover(r)
		if client == nil || dead[client] {
			left = append(left, r)
		} else if err := client.Unmap(ctx, r.mapping); err != nil {
			d.cfg.Log.Debug("unmap", "external_port", r.mapping.External, "method", client.Method(), "error", err)
			left = append(left, r)
			dead[client] = gone(err)
		}
	}
	return left
}

// close closes pinholes and returns those that are left.
func (d *Discovery) close(ctx context.Context, c *core, list []leftPinhole) (left []leftPinhole) {
	endSoon := 0
	for _, p := range list {
		by := c.closer(p)
		if by == nil || ctx.Err() != nil {
			left = append(left, p)
			continue
		}
		switch err := by.ClosePinhole(ctx, p.pinhole); {
		case errors.Is(err, gateway.ErrEndsSoon):
			endSoon++
		case err != nil:
			d.cfg.Log.Debug("close pinhole", "internal", p.pinhole.Internal, "error", err)
			left = append(left, p)
		}
	}
	if endSoon > 0 {
		d.cfg.Log.Info("IPv6 pinholes end by themselves in a few minutes: the gateway does not close them", "count", endSoon)
	}
	return left
}
