package natdiscovery

import (
	"cmp"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// leaveBehind forgets the mappings of the gateway in use, and notes what may be left
// of them there.
func (c *core) leaveBehind() {
	for _, a := range c.gw.stale {
		c.former = append(c.former, c.remnant(a.mapping))
	}
	c.gw.stale = nil
	for i := range c.ports {
		p := &c.ports[i]
		for _, m := range p.leftovers() {
			c.former = append(c.former, c.remnant(m))
		}
		p.drop()
		p.asked = gateway.Request{}
	}
}

// takeOver makes ours what an earlier run, or an earlier address of ours, left on
// the gateway that was just found: what is still wanted is asked for again, the rest
// is to be removed. On other gateways the leases end; what stays there for ever is
// kept in mind.
func (c *core) takeOver() {
	g := &c.gw
	former := c.former
	c.former = nil
	for _, r := range former {
		m := r.mapping
		switch {
		case !sameGateway(r.device, g.identity):
			if r.permanent() {
				c.former = append(c.former, r)
			}
		case m.Internal.Addr() != g.local:
			g.formerly = m.Internal.Addr()
			c.discard(m)
		case !c.wants(m):
			c.discard(m)
		}
	}
}

// discard has a mapping on this gateway removed, if it can be. PCP and NAT-PMP
// remove nothing that leads to another address than the asking one (RFC 6887,
// section 11.1; RFC 6886, section 3.4): UPnP does that for them, or it outlives us.
func (c *core) discard(m gateway.Mapping) {
	g := &c.gw
	if g.method == gateway.UPnP || m.Internal.Addr() == g.local {
		g.stale = append(g.stale, unmap{client: g.client, mapping: m})
		return
	}
	for _, f := range g.beside {
		if f.method == gateway.UPnP && sameGateway(f.device, g.identity) {
			g.stale = append(g.stale, unmap{f.client, m, true})
			return
		}
	}
	c.outlives(m, g.seen)
}

// outlives is called when nobody lets us remove a mapping that leads to an address of
// ours before (miniupnpd's secure mode): only its lease ends it.
func (c *core) outlives(m gateway.Mapping, now time.Time) {
	r := c.remnant(m)
	// The journal does not know of the renewals, which begin at half of the lease.
	if !r.permanent() && !now.Before(m.RenewAt()) {
		r.mapping.Granted, r.mapping.Lifetime = now, cmp.Or(m.Lifetime, m.Lease)
	}
	c.former = append(c.former, r)
}

// outlived are the mappings on the gateway in use that lead to an address of ours
// before, by their outside ports.
func (c *core) outlived() map[uint16]gateway.Mapping {
	list := map[uint16]gateway.Mapping{}
	for _, r := range c.former {
		if c.gw.found && sameGateway(r.device, c.gw.identity) && r.mapping.Internal.Addr() != c.gw.local {
			list[r.mapping.External] = r.mapping
		}
	}
	return list
}

// expireFormer forgets the mappings whose lease has ended, and asks for their ports.
func (c *core) expireFormer(now time.Time) {
	c.former = slices.DeleteFunc(c.former, func(r remnant) bool {
		end := r.mapping.Expires()
		if !c.gw.found || r.permanent() || end.After(now) {
			return false
		}
		for i := range c.ports {
			p := &c.ports[i]
			p.again = p.again || p.state == PortTaken && p.external == r.mapping.External
		}
		return true
	})
}

// wants says whether m is what a port will be asked for anyway, and notes it there.
func (c *core) wants(m gateway.Mapping) bool {
	for i := range c.ports {
		if sameMapping(c.request(i), m.Request) {
			c.ports[i].asked = m.Request
			return true
		}
	}
	return false
}

// unmapped is the outcome of unmap, for a stale mapping.
type unmapped struct {
	unmap
	err error
}

func (e unmapped) apply(c *core, now time.Time) {
	c.gatewayDone(now, time.Time{})
	c.gw.changed = now
	if gone(e.err) && !e.beside {
		c.lose(now, e.err)
		return
	}
	if e.err != nil && e.mapping.Internal.Addr() != c.gw.local {
		c.outlives(e.mapping, now)
	}
	if len(c.gw.stale) > 0 && c.gw.stale[0] == e.unmap {
		c.gw.stale = c.gw.stale[1:]
	}
}
