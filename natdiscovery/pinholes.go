package natdiscovery

import (
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// pinholeAddresses is for how many IPv6 addresses of ours pinholes are opened.
const pinholeAddresses = 4

// pinhole is one port at one IPv6 address of ours.
type pinhole struct {
	internal netip.AddrPort
	state    PortState
	problem  string
	held     gateway.Pinhole // as last granted; no Granted: none
	heldBy   gateway.Method  // that opened it
	looked   time.Time       // when the gateway last confirmed it
	again    bool            // ask for it at once
	failures int
	retryAt  time.Time
}

// opener is a method that may open pinholes.
type opener struct {
	method gateway.Method
	gateway.Pinholer
}

// pinholeState is what is known of the gateway's IPv6 firewall.
type pinholeState struct {
	list []pinhole
	// by are the methods that might open pinholes, the one in use first; those
	// before the one with the index use have turned out not to.
	by  []opener
	use int
	// stale are to be closed, former what may be left on some gateway.
	stale, former []leftPinhole
	checked       time.Time // when one was last checked
}

// planPinholes makes the list that of our addresses of now. A pinhole to an address
// that is not ours any more can't be closed by us: its lease ends it.
func (c *core) planPinholes() {
	if !c.cfg.Pinholes || len(c.cfg.Methods) == 0 {
		return
	}
	s, old := &c.pinholes, c.pinholes.list
	s.list = nil
	for _, addr := range pinholeTargets(c.network.lasting) {
		for i := range c.ports {
			at := netip.AddrPortFrom(addr, c.ports[i].internal)
			p := pinhole{internal: at, state: PortPending, again: true}
			if j := slices.IndexFunc(old, func(o pinhole) bool { return o.internal == at }); j >= 0 {
				p = old[j]
			}
			s.list = append(s.list, p)
		}
	}
}

// pinholeTargets are the IPv6 addresses of ours that the internet can reach.
func pinholeTargets(addrs []netip.Addr) []netip.Addr {
	var list []netip.Addr
	for _, a := range addrs {
		if gateway.Public(a) && len(list) < pinholeAddresses {
			list = append(list, a)
		}
	}
	return list
}

// join adds a method that may open pinholes.
func (s *pinholeState) join(f finding) {
	if by, ok := f.client.(gateway.Pinholer); ok {
		s.by = append(s.by, opener{f.method, by})
	}
}

// attachPinholes asks for all pinholes at the gateway that was just found, and takes
// over what was left there.
func (c *core) attachPinholes(found []finding, now time.Time) {
	s := &c.pinholes
	s.by, s.use = nil, 0
	for _, f := range found {
		s.join(f)
	}
	for i := range s.list {
		p := &s.list[i]
		p.again, p.failures, p.retryAt = true, 0, time.Time{}
	}
	former := append(s.former, s.stale...)
	s.former, s.stale = nil, nil
	for _, f := range former {
		if sameGateway(f.device, c.gw.identity) && f.pinhole.Expires().After(now) {
			c.takeOverPinhole(f)
		}
	}
}

// takeOverPinhole makes ours what was left, if it is still wanted, or has it closed by
// the method that opened it.
func (c *core) takeOverPinhole(f leftPinhole) {
	s := &c.pinholes
	p := s.find(f.pinhole.Internal)
	switch {
	case p != nil && p.held.Granted.IsZero() && s.opens(f.method):
		p.held, p.heldBy = f.pinhole, f.method
	case p == nil && c.closer(f) != nil && slices.Contains(c.network.addrs, f.pinhole.Internal.Addr()):
		s.stale = append(s.stale, f)
	default:
		s.former = append(s.former, f)
	}
}

// opens says whether pinholes are asked for by m.
func (s *pinholeState) opens(m gateway.Method) bool {
	return s.use < len(s.by) && s.by[s.use].method == m
}

// closer is who can close a pinhole: the method that opened it knows its name. nil:
// it is not there, and the lease ends it.
func (c *core) closer(p leftPinhole) gateway.Pinholer {
	if !c.gw.found || !sameGateway(p.device, c.gw.identity) {
		return nil
	}
	for _, by := range c.pinholes.by {
		if by.method == p.method {
			return by.Pinholer
		}
	}
	return nil
}

// forgetPinholes is called when another gateway is found: what it holds is unknown.
func (c *core) forgetPinholes() {
	for i := range c.pinholes.list {
		p := &c.pinholes.list[i]
		*p = pinhole{internal: p.internal, state: PortPending, again: true}
	}
}

func (s *pinholeState) find(internal netip.AddrPort) *pinhole {
	for i := range s.list {
		if s.list[i].internal == internal {
			return &s.list[i]
		}
	}
	return nil
}

// openPinholes are those that the gateway has for us.
func (c *core) openPinholes() []leftPinhole {
	list := slices.Clone(c.pinholes.stale)
	for _, p := range c.pinholes.list {
		if !p.held.Granted.IsZero() {
			list = append(list, leftPinhole{c.device(), p.heldBy, p.held})
		}
	}
	return list
}

// leavePinholes are those to be closed at the end. One that is being asked for at this
// moment may be there as well.
func (c *core) leavePinholes() []leftPinhole {
	list := c.openPinholes()
	if a, ok := c.gw.doing.(askPinhole); ok && a.held.Granted.IsZero() {
		list = append(list, leftPinhole{c.device(), a.by.method, gateway.Pinhole{Internal: a.internal, Granted: c.gw.began, Lifetime: a.lease}})
	}
	for _, p := range c.pinholes.former {
		if c.mayBeHere(p.device) {
			list = append(list, p)
		}
	}
	return list
}
