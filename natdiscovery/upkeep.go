package natdiscovery

import (
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// What a gateway is asked when nothing changes, which is to be 12 times a minute at
// most. By UPnP at the default interval its address 6 times a minute, and in the
// requests that remain one renewal or retry (a look, the request, a look) and 3 checks.
// By PCP and NAT-PMP, where all of these are one request, whatever is due 5 s after the
// one before: so its address can be asked for every 6 s.
const (
	// checkCycle is the time in which every mapping is checked once. With the
	// renewals that come between, none goes unchecked for 5 minutes: routers
	// drop mappings for reasons of their own (miniupnpd's clean_ruleset_interval).
	checkCycle = 200 * time.Second
	// checkPause is the least time between two checks: 4 a minute.
	checkPause = 15 * time.Second
	// briefLease is the longest that is asked for where every check is a renewal:
	// what its method can't remove because that has gone soon ends.
	briefLease = 20 * time.Minute
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
		case p.state == PortVerified && !p.suspect.IsZero():
			duties = append(duties, duty{p.suspect, c.lookAt(i)})
		}
	}
	return duties
}

// renewalDuties are the renewals and retries, spread out so that the gateway is asked
// little at a time: by UPnP one of them is several requests. A renewal is due at half of the lease (RFC 6886, section 3.3) and
// waits for no turn any more at three quarters.
func (c *core) renewalDuties() []duty {
	renewal := c.turn()
	if c.reads() {
		renewal = later(renewal, c.renewed.Add(renewPause))
	}
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

// checkDuties are the checks of the pinhole and of the mapping that were confirmed the
// longest ago.
func (c *core) checkDuties(now time.Time) []duty {
	oldest := -1
	for i := range c.ports {
		if p := &c.ports[i]; p.state == PortVerified && (oldest < 0 || p.looked.Before(c.ports[oldest].looked)) {
			oldest = i
		}
	}
	duties := c.pinholeCheck(now)
	if oldest >= 0 {
		duties = append(duties, duty{c.turn(), c.lookAt(oldest)})
	}
	return duties
}

// reads says whether the method in use can look at a mapping. PCP and NAT-PMP can't
// read the table, and renew instead.
func (c *core) reads() bool { return c.gw.method == gateway.UPnP }

// lookAt checks the mapping of port i.
func (c *core) lookAt(i int) action {
	if c.reads() {
		return check{c.gw.client, i, c.ports[i].held}
	}
	return c.mapDuty(i)
}

// turn is when the next check, renewal or retry may come.
func (c *core) turn() time.Time {
	at := c.upkept.Add(c.checkPause())
	if !c.reads() {
		at = later(at, c.gw.pollBegan.Add(c.gap()))
	}
	return at
}

// gap is the least time between two requests by PCP and NAT-PMP that are not urgent.
func (c *core) gap() time.Duration { return c.cfg.CheckInterval / 3 }

// pollPause is the time from one question for the address to the next: a third less
// than the interval, for what comes between; shorter where it costs nothing and
// nothing else tells of a change.
func (c *core) pollPause() time.Duration {
	if c.reads() || c.gw.announces {
		return c.cfg.CheckInterval * 2 / 3
	}
	return c.cfg.CheckInterval * 2 / 5
}

// spend notes a request that was no question for the address. The next such waits a
// little by PCP and NAT-PMP, but never longer than elsewhere.
func (c *core) spend(now time.Time) {
	g := &c.gw
	c.upkept = now
	if !c.reads() && g.pollAt.After(now) {
		g.pollAt = later(g.pollAt, sooner(now.Add(c.gap()), g.pollBegan.Add(c.cfg.CheckInterval*2/3)))
	}
}

// lease is what is asked for.
func (c *core) lease() time.Duration {
	// A check of each port comes up several times within it.
	brief := max(briefLease, 4*checkPause*time.Duration(len(c.ports)))
	if c.reads() || c.cfg.Lease > 0 && c.cfg.Lease < brief {
		return c.cfg.Lease
	}
	return brief
}

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
		Lease:       c.lease(),
		Description: c.cfg.Description,
	}
	if c.gw.formerly != c.gw.local {
		r.Formerly = c.gw.formerly
	}
	return r
}
