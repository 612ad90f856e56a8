package natdiscovery

import (
	"cmp"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// remember notes what may be left on a gateway, for whoever can remove it later.
func (c *core) remember(r remnant) {
	c.former = append(slices.DeleteFunc(c.former, r.sameRow), r)
}

// leaveBehind forgets the mappings of the gateway in use, and notes what may be left
// of them there.
func (c *core) leaveBehind() {
	for _, r := range c.gw.stale {
		c.remember(r)
	}
	c.gw.stale = nil
	for i := range c.ports {
		p := &c.ports[i]
		for _, r := range c.leftovers(p) {
			c.remember(r)
		}
		p.drop()
		p.asked = gateway.Request{}
		p.forgive()
	}
}

// takeOver makes ours what an earlier run, an earlier address of ours, or another
// method left on the gateway that was just found: what is still wanted is asked for
// again, the rest is to be removed. On other gateways the leases end; what stays there
// for ever is kept in mind.
func (c *core) takeOver() {
	g := &c.gw
	former := c.former
	c.former = nil
	for _, r := range former {
		m := r.mapping
		switch {
		case !sameGateway(r.device, g.identity):
			if r.permanent() {
				c.remember(r)
			}
		case m.Internal.Addr() != g.local:
			g.formerly = m.Internal.Addr()
			c.discard(r)
		case !c.wants(r):
			c.discard(r)
		}
	}
}

// discard has a mapping removed from the gateway in use. Where nobody can, it outlives
// us: it is kept in mind until its lease ends.
func (c *core) discard(r remnant) {
	if c.remover(r) == nil {
		c.remember(r)
		return
	}
	c.gw.stale = append(c.gw.stale, r)
}

// remover finds who can remove a mapping. The method that made it comes first: to the
// others it may not exist, and they say yes (miniupnpd's PCP of what UPnP has
// written). Then UPnP, which reads the table. PCP and NAT-PMP remove nothing that leads
// to another address than the asking one (RFC 6887, section 11.1; RFC 6886, section
// 3.4). nil: nobody can.
func (c *core) remover(r remnant) gateway.Client {
	g := &c.gw
	if !g.found {
		return nil
	}
	var reader gateway.Client
	for _, f := range append([]finding{{method: g.method, client: g.client, device: g.identity, local: g.local}}, g.beside...) {
		switch {
		case !sameGateway(f.device, r.device):
		case f.method == r.method && (f.method == gateway.UPnP || f.local == r.mapping.Internal.Addr()):
			return f.client
		case f.method == gateway.UPnP:
			reader = f.client
		}
	}
	return reader
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

// bound sets limits to what an earlier run left. The journal does not know of the
// renewals, which begin at half of the lease.
func (c *core) bound(now time.Time) {
	for i := range c.former {
		if m := &c.former[i].mapping; !c.former[i].permanent() && !now.Before(m.RenewAt()) {
			m.Granted, m.Lifetime = now, cmp.Or(m.Lifetime, m.Lease)
		}
	}
	for i := range c.pinholes.former {
		if p := &c.pinholes.former[i].pinhole; !now.Before(p.RenewAt()) {
			p.Granted = now
		}
	}
}

// expireFormer forgets the mappings whose lease has ended, and asks for their ports.
// Those of which nobody knows whether they were granted end as if they had been now.
func (c *core) expireFormer(now time.Time) {
	c.former = slices.DeleteFunc(c.former, func(r remnant) bool {
		if !c.gw.found || !r.over(now) {
			return false
		}
		for i := range c.ports {
			p := &c.ports[i]
			p.again = p.again || p.state == PortTaken && p.external == r.mapping.External
		}
		return true
	})
	for i := range c.former {
		if m := &c.former[i].mapping; m.Granted.IsZero() && !c.former[i].permanent() {
			m.Granted, m.Lifetime = now, m.Lease
		}
	}
}

// wants says whether r is what a port will be asked for anyway, and notes it there; one
// that another method made is kept in mind beside the one that is asked for.
func (c *core) wants(r remnant) bool {
	for i := range c.ports {
		switch {
		case !sameMapping(c.request(i), r.mapping.Request):
		case r.method != c.gw.method:
			c.remember(r)
			return true
		default:
			c.ports[i].asked, c.ports[i].askedBy = r.mapping.Request, r.method
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
	if gone(e.err) && e.client == c.gw.client {
		c.lose(now, e.err)
		return
	}
	// A gateway may refuse a removal for another address than the asking one
	// (miniupnpd's secure mode).
	if e.err != nil {
		c.remember(e.remnant)
	}
	if len(c.gw.stale) > 0 && c.gw.stale[0] == e.remnant {
		c.gw.stale = c.gw.stale[1:]
	}
}
