package natdiscovery

import (
	"errors"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// A port that the gateway refuses is asked for again after 30 s, 1 min ...
	// 30 min.
	firstRefusedPause, lastRefusedPause = 30 * time.Second, 30 * time.Minute
	// takenPause is when a port that another host has is asked for again.
	takenPause = 5 * time.Minute
)

// port is one TCP port that outside clients are meant to reach.
type port struct {
	internal uint16 // where we listen
	wanted   uint16 // on the gateway, as the operator asked
	external uint16 // on the gateway: wanted, or internal where that is denied
	state    PortState
	problem  string

	held      gateway.Mapping // as last confirmed; External 0: none
	confirmed time.Time
	renewAt   time.Time // the zero Time: never
	looked    time.Time // when the gateway was last asked for it, whatever it said
	// asked is a request whose outcome nobody knows: the mapping may be there,
	// and is removed at the end. External 0: none.
	asked    gateway.Request
	again    bool // ask for it at once
	doubted  bool // refused although held: check what is true
	failures int
	retryAt  time.Time
}

func newPorts(cfg Config) []port {
	state := PortPending
	if len(cfg.Methods) == 0 {
		state = PortByHand
	}
	control := port{internal: cfg.ControlPort, wanted: cfg.ExternalControlPort, state: state}
	if control.wanted == 0 {
		control.wanted = control.internal
	}
	ports := []port{control}
	for n := int(cfg.FirstPassive); n <= int(cfg.LastPassive); n++ {
		ports = append(ports, port{internal: uint16(n), wanted: uint16(n), state: state})
	}
	for i := range ports {
		ports[i].external = ports[i].wanted
	}
	return ports
}

// control and passive are the two kinds of ports.
func (c *core) control() *port  { return &c.ports[0] }
func (c *core) passive() []port { return c.ports[1:] }

// mapAll asks for every port again; the verified ones stay in use meanwhile.
func (c *core) mapAll() {
	for i := range c.ports {
		c.ports[i].again = true
	}
	for i := range c.pinholes.list {
		c.pinholes.list[i].again = true
	}
}

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
// section 11.1; RFC 6886, section 3.4): UPnP does that for them, or the lease ends.
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

// drop forgets what the gateway listed for p.
func (p *port) drop() {
	p.held, p.doubted = gateway.Mapping{}, false
	if p.state == PortVerified {
		p.state = PortPending
	}
}

// leftovers are the mappings that the gateway has, or may have, for p.
func (p *port) leftovers() []gateway.Mapping {
	var list []gateway.Mapping
	if p.held.External != 0 {
		list = append(list, p.held)
	}
	if p.asked.External != 0 && !sameMapping(p.asked, p.held.Request) {
		list = append(list, gateway.Mapping{Request: p.asked})
	}
	return list
}

// sameMapping says whether two requests are for the same row of a gateway's table.
func sameMapping(a, b gateway.Request) bool {
	return a.Internal == b.Internal && a.External == b.External
}

// nobodyMaps is called while no gateway is there: what is not open is the
// operator's to forward.
func (c *core) nobodyMaps() {
	for i := range c.ports {
		if p := &c.ports[i]; p.state == PortPending {
			p.state = PortByHand
		}
	}
}

// expire drops the mappings whose lease has ended.
func (c *core) expire(now time.Time) {
	for i := range c.ports {
		p := &c.ports[i]
		if end := p.held.Expires(); !end.IsZero() && !end.After(now) {
			p.drop()
			p.again = true
		}
	}
	c.expirePinholes(now)
	if !c.gw.found && c.gw.searches > 0 {
		c.nobodyMaps()
	}
}

// nextExpiry is the end of the first lease that ends before limit.
func (c *core) nextExpiry(limit time.Time) time.Time {
	for i := range c.ports {
		if end := c.ports[i].held.Expires(); !end.IsZero() {
			limit = sooner(limit, end)
		}
	}
	return limit
}

// mapped is the outcome of mapPort.
type mapped struct {
	index   int
	request gateway.Request
	mapping gateway.Mapping
	err     error
	forgot  time.Time
	chance  float64 // of Config.Random
}

func (e mapped) apply(c *core, now time.Time) {
	c.gatewayDone(now, e.forgot)
	c.upkept, c.gw.changed = now, now
	p := &c.ports[e.index]
	if !p.again {
		c.renewed = now
	}
	if gone(e.err) {
		c.unsure(p, e.request)
		c.lose(now, e.err)
		return
	}
	c.gw.seen, p.again = now, false
	switch {
	case e.err == nil:
		c.verified(p, e.mapping, now)
		p.renewAt = c.renewAt(e.mapping, e.chance)
	case errors.Is(e.err, gateway.ErrRule):
		p.drop()
		p.ruled(e.err, now)
	case errors.Is(e.err, gateway.ErrConflict):
		p.drop()
		p.deny(PortTaken, e.err, now)
	case errors.Is(e.err, gateway.ErrRefused):
		p.doubted = p.held.External != 0
		c.refused(e.index, e.err, now)
	default: // nobody knows whether the mapping was made
		c.unsure(p, e.request)
		c.refused(e.index, e.err, now)
	}
}

// refused is called when the gateway does not map port i. When it does not even map
// the control port to the port that we listen on, another method may.
func (c *core) refused(i int, err error, now time.Time) {
	p := &c.ports[i]
	last := p.external == p.internal
	p.deny(PortRefused, err, now)
	switch noRoom := errors.Is(err, gateway.ErrFull) || errors.Is(err, gateway.ErrNoWAN); {
	case noRoom, !last:
	case errors.Is(err, gateway.ErrBehindNAT) && !c.gw.opened:
		c.gw.behindNAT = true
		c.fallBack(now, err)
	case i == 0 && c.fallBack(now, err):
	case c.gw.method != gateway.UPnP && errors.Is(err, gateway.ErrRefused):
		p.retryAt = now.Add(outOfFavour)
	}
}

// unsure notes a request whose outcome is not known. One for another external
// port that it follows may have been heard too, and is not wanted any more.
func (c *core) unsure(p *port, r gateway.Request) {
	if p.asked.External != 0 && p.asked.External != r.External {
		c.discard(gateway.Mapping{Request: p.asked})
	}
	p.asked = r
}

// verified takes in what the gateway lists as ours.
func (c *core) verified(p *port, m gateway.Mapping, now time.Time) {
	gaveIn := p.state == PortRefused
	c.unsure(p, m.Request)
	c.gw.opened, c.gw.behindNAT = true, false
	c.method(c.gw.method).serves()
	p.state = PortVerified
	if m.External == p.wanted {
		p.problem = "" // else it says why the port is another one
	}
	p.held, p.asked, p.confirmed, p.looked = m, gateway.Request{}, now, now
	p.external = m.External
	p.failures, p.retryAt, p.doubted = 0, time.Time{}, false
	if !gaveIn {
		return
	}
	// The gateway refused before and does not now: so it may for the others.
	for i := range c.ports {
		if c.ports[i].state == PortRefused {
			c.ports[i].again = true
		}
	}
}

// deny is called when the gateway says no. A mapping that is held stays in use:
// refused renewals are often refused although the mapping lives. A control port
// that was wanted elsewhere than where we listen is asked for there instead.
func (p *port) deny(state PortState, err error, now time.Time) {
	p.failures++
	p.retryAt = now.Add(min(firstRefusedPause<<min(p.failures-1, 10), lastRefusedPause))
	if state == PortTaken {
		p.retryAt = now.Add(takenPause)
	}
	if p.held.External != 0 {
		return
	}
	if p.external != p.internal {
		p.external, p.again = p.internal, true
		if p.problem == "" {
			p.problem = err.Error()
		}
		return
	}
	p.external = p.wanted
	if p.state != state { // else it is the same problem, perhaps in other words
		p.state, p.problem = state, err.Error()
	}
}

// ruled is called when a rule of the gateway's own has the port: most likely the
// operator forwarded it by hand (IGD's error 729), and clients may get through.
func (p *port) ruled(err error, now time.Time) {
	p.failures++
	p.state, p.problem, p.retryAt = PortByHand, err.Error(), now.Add(takenPause)
}

// checked is the outcome of check.
type checked struct {
	index  int
	err    error
	forgot time.Time
}

func (e checked) apply(c *core, now time.Time) {
	c.gatewayDone(now, e.forgot)
	c.upkept = now
	p := &c.ports[e.index]
	doubted := p.doubted
	p.doubted, p.looked = false, now
	if gone(e.err) {
		c.lose(now, e.err)
		return
	}
	c.gw.seen = now
	switch {
	case e.err == nil:
		p.confirmed = now
	case errors.Is(e.err, gateway.ErrConflict):
		p.drop()
		p.deny(PortTaken, e.err, now)
	case !errors.Is(e.err, gateway.ErrNotMapped):
		// Nonsense is no proof of anything; the next round asks again.
	case doubted:
		p.drop()
		p.deny(PortRefused, e.err, now)
	default:
		// One is lost: a gateway that restarted has lost them all.
		p.drop()
		c.mapAll()
	}
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
	// A gateway may refuse a removal for another address than the asking one
	// (miniupnpd's secure mode). The lease ends it then.
	if len(c.gw.stale) > 0 && c.gw.stale[0] == e.unmap {
		c.gw.stale = c.gw.stale[1:]
	}
}
