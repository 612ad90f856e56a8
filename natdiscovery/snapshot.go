package natdiscovery

import (
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// status is what the core publishes. It shares no memory that changes.
func (c *core) status() Status {
	s := Status{
		External:      c.ext.addr,
		Source:        c.ext.source,
		Learnt:        c.ext.learnt,
		Confirmed:     c.ext.confirmed,
		Network:       c.network.Network,
		Reflexive:     c.stun.addr,
		ReflexiveSeen: c.stun.seen,
		Control:       c.control().status(),
		Journal:       c.disk.problem,

		PathMTU: c.probes.mtu, PathMTUSeen: c.probes.mtuSeen,
		Hops: slices.Clone(c.probes.hops), HopsSeen: c.probes.hopsSeen,
		UDPMapping: c.probes.udp.Mapping, UDPPortPreserved: c.probes.udp.PortPreserved,
		Hairpin: c.probes.hairpin,
		Reached: c.sessions.arrived, Absent: len(c.sessions.absent),
		Probing: c.probing(),
		Counts:  c.counts,
		asking:  c.asking(),
	}
	if g := &c.gw; g.found {
		s.Gateway = &GatewayStatus{Device: g.identity, Method: g.method, External: c.evidence().gateway, Seen: g.seen, Forgot: g.forgot}
	}
	for _, m := range c.methods {
		s.Methods = append(s.Methods, MethodStatus{m.method, m.problem, m.tried})
	}
	passive := c.passive()
	s.Passive = make([]Port, len(passive))
	for i := range passive {
		s.Passive[i] = passive[i].status()
	}
	for _, p := range c.implicit() {
		s.Implicit = p.status()
	}
	c.judgeTaken(&s)
	for _, p := range c.pinholes.list {
		h := Pinhole{Internal: p.internal, State: p.state, Method: p.heldBy, Problem: p.problem}
		if !p.held.Granted.IsZero() {
			h.Expires = p.held.Expires()
		}
		s.Pinholes = append(s.Pinholes, h)
	}
	s.Outside, s.Inside = outside(s.Passive), inside(s.Passive)
	f := c.facts(&s)
	s.Verdict = f.verdict()
	s.Advice = f.advice(s.Verdict)
	return s
}

// asking says whether the gateway is about to be asked for a port.
func (c *core) asking() bool {
	return c.gw.found && slices.ContainsFunc(c.ports, func(p port) bool { return p.again || p.doubted })
}

// judgeTaken tells a port that another host has from one that the gateway's rules
// keep from us. Either a mapping outlived our former address; or it gives us none at
// all: UPnP shows whose they are, but by PCP (RFC 6887, section 13.2) and NAT-PMP
// miniupnpd answers the same of a port that is forbidden, and no host has all of ours.
func (c *core) judgeTaken(s *Status) {
	outlived := c.outlived()
	none := c.gw.method != gateway.UPnP && s.Control.State == PortTaken &&
		len(inState(s.Passive, PortTaken)) == len(s.Passive)
	judge := func(p *Port) {
		if _, ours := outlived[p.External]; p.State == PortTaken && (ours || none) {
			p.State = PortRefused
		}
	}
	judge(&s.Control)
	judge(&s.Implicit)
	for i := range s.Passive {
		judge(&s.Passive[i])
	}
}

func (p *port) status() Port {
	external := p.wanted
	if p.state == PortVerified {
		external = p.held.External
	}
	return Port{
		Internal: p.internal,
		External: external,
		State:    p.state,
		Expires:  p.held.Expires(),
		Asked:    p.looked,
		Problem:  p.problem,
	}
}

// outside are the ports for clients outside: the verified ones. Where the gateway
// opens none at all, the operator may have forwarded them by hand, and all are
// worth a try; while the first round over them is under way there are none.
func outside(passive []Port) []uint16 {
	if verified := inState(passive, PortVerified); len(verified) > 0 {
		return verified
	}
	if len(inState(passive, PortPending)) > 0 {
		return nil
	}
	return inState(passive, PortByHand, PortRefused)
}

// inside are the ports for clients in the LAN: all but those whose outside belongs
// to another host. Where it belongs to others everywhere, the LAN has all.
func inside(passive []Port) []uint16 {
	if free := inState(passive, PortPending, PortVerified, PortByHand, PortRefused); len(free) > 0 {
		return free
	}
	return inState(passive, PortTaken)
}

// facts are what the verdict on s is made from.
func (c *core) facts(s *Status) facts {
	g := &c.gw
	f := facts{
		external: s.External,
		source:   s.Source,
		local:    s.Network.Local,
		ours:     c.ours(s.External),
		reached:  c.sessions.reached(),
		absent:   len(c.sessions.absent),
		udp:      c.probes.udp,
		beyond:   s.Beyond(),
		tracing:  c.tracing(),
		router:   s.Network.Router,
		outlived: c.outlived(),
		control:  s.Control,
		wanted:   c.control().wanted,
		passive:  s.Passive,
		mapping:  len(c.cfg.Methods) > 0,
		found:    g.found,
		seeking:  c.seeking(),
		behind:   g.behindNAT,
		lost:     !g.found && g.searches >= lostAfter,
	}
	e := c.evidence()
	if g.found {
		f.router = g.identity.Address
		f.wan, f.noWAN = e.gateway, g.answered && g.noWAN
	}
	if s.Source == SourceLastRun {
		f.external = netip.Addr{} // good enough to be tried, and no evidence
	}
	f.reflexive, f.agreed, f.contradicted = e.reflexive, e.agreed, e.contradicted()
	if c.cfg.ExternalHost != "" && c.name.tried && !c.name.addr.IsValid() {
		f.uselessHost = c.cfg.ExternalHost
	}
	return f
}

// ours says whether addr is an address of this host itself: then there is no NAT
// between it and us.
func (c *core) ours(addr netip.Addr) bool {
	return addr.IsValid() && (addr == c.network.Local || slices.Contains(c.network.addrs, addr))
}

// seeking says whether a first answer is still awaited from somebody.
func (c *core) seeking() bool {
	mapping, g, s := len(c.cfg.Methods) > 0, &c.gw, &c.stun
	return !c.network.known ||
		mapping && !g.found && g.searches == 0 ||
		g.found && !g.answered ||
		c.cfg.AskSTUN != nil && s.seen.IsZero() && s.failures == 0
}

// sameAs says whether s and o tell a reader the same: all but times and
// confirmations.
func (s *Status) sameAs(o *Status) bool {
	return s.External == o.External && (s.Source == SourceLastRun) == (o.Source == SourceLastRun) && s.Verdict == o.Verdict && s.Advice == o.Advice && s.Journal == o.Journal &&
		s.PathMTU == o.PathMTU && s.Hairpin == o.Hairpin && s.Probing == o.Probing && slices.Equal(s.Hops, o.Hops) &&
		s.Network.sameAs(o.Network) && s.Gateway.sameAs(o.Gateway) &&
		s.Control.sameAs(o.Control) && s.Implicit.sameAs(o.Implicit) && slices.EqualFunc(s.Passive, o.Passive, Port.sameAs) &&
		slices.EqualFunc(s.Pinholes, o.Pinholes, Pinhole.sameAs)
}

func (n Network) sameAs(o Network) bool {
	return samePlace(n, o) && slices.Equal(n.LANs, o.LANs)
}

func (g *GatewayStatus) sameAs(o *GatewayStatus) bool {
	if g == nil || o == nil {
		return g == o
	}
	return g.Device == o.Device && g.Method == o.Method && g.External == o.External
}

func (p Pinhole) sameAs(o Pinhole) bool {
	p.Expires, o.Expires = time.Time{}, time.Time{}
	return p == o
}

func (p Port) sameAs(o Port) bool {
	p.Expires, o.Expires = time.Time{}, time.Time{}
	p.Asked, o.Asked = time.Time{}, time.Time{}
	return p == o
}
