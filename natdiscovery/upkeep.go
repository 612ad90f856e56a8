package natdiscovery

import (
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// What a gateway is asked when nothing changes: at the default interval its
// address 6 times a minute, and in the 6 requests that remain of 12 one renewal or
// retry (a look, the request, a look) and 3 checks.
const (
	// checkCycle is the time in which every mapping is checked once. With the
	// renewals that come between, none goes unchecked for 5 minutes: routers
	// drop mappings for reasons of their own (miniupnpd's clean_ruleset_interval).
	checkCycle = 200 * time.Second
	// checkPause is the least time between two checks: 4 a minute.
	checkPause = 15 * time.Second
	// renewPause is the least time between two renewals or retries.
	renewPause = time.Minute
)

// roundDuties are the ports to be mapped at once, in order: the control port,
// then the passive ports.
func (c *core) roundDuties() []duty {
	var duties []duty
	for i := range c.ports {
		switch p := &c.ports[i]; {
		case p.doubted:
			duties = append(duties, duty{do: check{c.gw.client, i, p.held}})
		case p.again && c.journalled(i):
			duties = append(duties, duty{do: c.mapDuty(i)})
		case p.state == PortVerified && p.looked.Before(c.suspected):
			duties = append(duties, duty{c.suspected, check{c.gw.client, i, p.held}})
		}
	}
	return duties
}

// renewalDuties are the renewals and retries, spread out so that the gateway is asked
// little at a time. A renewal is due at half of the lease (RFC 6886, section 3.3) and
// waits for no turn any more at three quarters.
func (c *core) renewalDuties() []duty {
	renewal := later(c.turn(), c.renewed.Add(renewPause))
	var urgent, spread []duty
	for i := range c.ports {
		p := &c.ports[i]
		switch p.state {
		case PortVerified:
			if p.held.Lifetime == 0 {
				continue
			}
			late := p.held.Granted.Add(p.held.Lifetime / 4 * 3)
			urgent = append(urgent, duty{later(late, p.retryAt), c.mapDuty(i)})
			spread = append(spread, duty{later(later(p.renewAt, p.retryAt), renewal), c.mapDuty(i)})
		case PortTaken, PortRefused, PortByHand:
			if c.journalled(i) {
				spread = append(spread, duty{later(p.retryAt, renewal), c.mapDuty(i)})
			}
		}
	}
	return append(urgent, spread...)
}

// renewAt is when m wants renewing: at half of its lease, by PCP at a random point
// not long after that (RFC 6887, section 11.2.1).
func (c *core) renewAt(m gateway.Mapping, chance float64) time.Time {
	if c.gw.method == gateway.PCP {
		return gateway.RenewAt(m.Granted, m.Lifetime, chance)
	}
	return m.RenewAt()
}

// checkDuties is the check of the mapping that was confirmed the longest ago.
func (c *core) checkDuties() []duty {
	oldest := -1
	for i := range c.ports {
		if p := &c.ports[i]; p.state == PortVerified && (oldest < 0 || p.looked.Before(c.ports[oldest].looked)) {
			oldest = i
		}
	}
	if oldest < 0 {
		return nil
	}
	return []duty{{c.turn(), check{c.gw.client, oldest, c.ports[oldest].held}}}
}

// turn is when the next check, renewal or retry may come.
func (c *core) turn() time.Time { return c.upkept.Add(c.checkPause()) }

// checkPause is the time between two checks.
func (c *core) checkPause() time.Duration {
	verified := len(c.pinholes.list)
	for i := range c.ports {
		if c.ports[i].state == PortVerified {
			verified++
		}
	}
	return max(checkCycle/time.Duration(max(verified, 1)), checkPause)
}

// mapDuty asks for port i.
func (c *core) mapDuty(i int) mapPort {
	return mapPort{c.gw.client, i, c.request(i)}
}

// request is what port i is asked for with.
func (c *core) request(i int) gateway.Request {
	p := &c.ports[i]
	r := gateway.Request{
		Internal:    netip.AddrPortFrom(c.gw.local, p.internal),
		External:    p.external,
		Lease:       c.cfg.Lease,
		Description: c.cfg.Description,
	}
	if c.gw.formerly != c.gw.local {
		r.Formerly = c.gw.formerly
	}
	return r
}

// leave returns what is to be removed at the end. A mapping that is being asked for
// at this moment may be there as well.
func (c *core) leave() []unmap {
	list := slices.Clone(c.gw.stale)
	for i := range c.ports {
		for _, m := range c.ports[i].leftovers() {
			list = append(list, unmap{client: c.gw.client, mapping: m})
		}
	}
	if a, ok := c.gw.doing.(mapPort); ok {
		list = append(list, unmap{client: a.client, mapping: gateway.Mapping{Request: a.request}})
	}
	return list
}

// left is the journal at the end, when some mappings could not be removed.
func (c *core) left(list []unmap, pinholes []gateway.Pinhole) journal {
	now := c.journal()
	j := journal{external: now.external, secret: now.secret, mappings: slices.Clone(c.former)}
	for _, a := range list {
		j.mappings = append(j.mappings, c.remnant(a.mapping))
	}
	for _, p := range pinholes {
		j.pinholes = append(j.pinholes, leftPinhole{c.device(), p})
	}
	return j
}
