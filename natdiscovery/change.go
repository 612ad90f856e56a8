package natdiscovery

import (
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Change has the loop go by another configuration from now on; of several that come
// at once the last one counts. Mappings that are still wanted stay, the others are
// removed. Log and StateDir must be the same. It returns at once, and may be called
// before Run, too.
func (d *Discovery) Change(cfg Config) {
	for {
		select {
		case d.changes <- cfg.withDefaults(d.secret):
			return
		case <-d.changes: // nobody has taken it yet, and nobody will
		}
	}
}

// reconfigured is the news of another configuration.
type reconfigured struct{ cfg Config }

// apply notes it: requests that are under way belong to the one before.
func (e reconfigured) apply(c *core, _ time.Time) { c.next = &e.cfg }

// reconfigure takes over what was noted, as soon as nothing is under way whose answer
// would be taken for one to the new questions. Nothing is begun meanwhile.
func (c *core) reconfigure(now time.Time) {
	if c.next == nil || c.gw.doing != nil || c.stun.doing != nil || c.name.doing != nil {
		return
	}
	was, cfg := c.cfg, *c.next
	c.cfg, c.next = cfg, nil
	c.changePinholes()
	c.changePorts(was)
	c.changeMethods(was, now)
	if cfg.Lease != was.Lease {
		c.mapAll()
	}
	if !slices.Equal(cfg.STUNServers, was.STUNServers) {
		c.stun = stunState{lane: c.stun.lane}
		c.probes.renew()
	}
	if cfg.ExternalHost != was.ExternalHost {
		c.name = nameState{lane: c.name.lane}
	}
	c.gw.pollAt = now
	c.network.at = now // the LANs, and the pinholes, are those of both
}

// changePorts keeps what is known of the ports that are still wanted, and has the
// mappings of the others removed.
func (c *core) changePorts(was Config) {
	old, ports := c.ports, newPorts(c.cfg)
	known := len(was.Methods) > 0 && len(c.cfg.Methods) > 0
	kept := make([]bool, len(old))
	for i := range ports {
		p := &ports[i]
		j := slices.IndexFunc(old, func(o port) bool { return o.internal == p.internal && o.wanted == p.wanted })
		if known && j >= 0 {
			*p, kept[j] = old[j], true
		} else {
			p.again = true
		}
	}
	for j := range old {
		if !kept[j] {
			c.release(&old[j])
		}
	}
	c.ports = ports
}

// release has what the gateway holds for a port removed.
func (c *core) release(p *port) {
	for _, r := range c.leftovers(p) {
		c.discard(r)
	}
	p.drop()
	p.asked = gateway.Request{}
}

// changePinholes has the pinholes closed that are not wanted any more.
func (c *core) changePinholes() {
	s, ports := &c.pinholes, newPorts(c.cfg)
	s.list = slices.DeleteFunc(s.list, func(p pinhole) bool {
		wanted := c.cfg.Pinholes && (p.heldBy == "" || slices.Contains(c.cfg.Methods, p.heldBy)) &&
			slices.ContainsFunc(ports, func(w port) bool { return w.internal == p.internal.Port() })
		left := leftPinhole{c.device(), p.heldBy, p.held}
		switch {
		case wanted, p.held.Granted.IsZero():
		case c.closer(left) != nil:
			s.stale = append(s.stale, left)
		default:
			s.former = append(s.former, left)
		}
		return !wanted
	})
}

// changeMethods looks for the gateway by those that are allowed now. What one that is
// not allowed any more has made, it removes first.
func (c *core) changeMethods(was Config, now time.Time) {
	if slices.Equal(c.cfg.Methods, was.Methods) {
		return
	}
	g, known := &c.gw, c.methods
	c.methods = newMethods(c.cfg)
	for i := range c.methods {
		if j := slices.IndexFunc(known, func(s methodState) bool { return s.method == c.methods[i].method }); j >= 0 {
			c.methods[i] = known[j]
		}
	}
	switch {
	case !g.found:
		g.searches, g.at = 0, now
	case slices.Contains(c.cfg.Methods, g.method):
		g.refind, g.leaving = true, false
	default:
		g.leaving = true
		for i := range c.ports {
			c.release(&c.ports[i])
		}
		if len(c.cfg.Methods) == 0 {
			c.ports = newPorts(c.cfg) // forwarded by hand
		}
	}
}

// leavingDuties are what is left to do with a gateway that is asked by a method that
// is not allowed any more.
func (c *core) leavingDuties() []duty {
	var duties []duty
	if g := &c.gw; len(g.stale) > 0 {
		duties = append(duties, duty{do: unmap{c.remover(g.stale[0]), g.stale[0]}})
	}
	if s := &c.pinholes; len(s.by) > 0 && len(s.stale) > 0 {
		duties = append(duties, duty{do: closePinhole{c.closer(s.stale[0]), s.stale[0]}})
	}
	return duties
}

// turnAway forgets such a gateway when nothing is left to do there, or it has
// gone.
func (c *core) turnAway(now time.Time) {
	g := &c.gw
	if !g.leaving || g.found && (g.doing != nil || len(c.leavingDuties()) > 0) {
		return
	}
	g.leaving, g.found, g.answered, g.client = false, false, false, nil
	g.searches, g.at = 0, now
	c.pinholes.by = nil
}
