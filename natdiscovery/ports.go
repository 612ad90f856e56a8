package natdiscovery

import (
	"errors"
	"slices"
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

	held    gateway.Mapping // as last confirmed; External 0: none
	heldBy  gateway.Method  // that made it
	renewAt time.Time       // the zero Time: never
	looked  time.Time       // when the gateway was last asked for it, whatever it said
	suspect time.Time       // when it is to be asked because of news; the zero Time: there was none since
	// asked is a request whose outcome nobody knows: the mapping may be there,
	// and is removed at the end. External 0: none.
	asked    gateway.Request
	askedBy  gateway.Method
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
	if cfg.ImplicitPort != 0 {
		ports = append(ports, port{internal: cfg.ImplicitPort, wanted: cfg.ImplicitPort, state: state})
	}
	for i := range ports {
		ports[i].external = ports[i].wanted
	}
	return ports
}

// control, passive and implicit are the kinds of ports, in this order. There may
// be no implicit one.
func (c *core) control() *port   { return &c.ports[0] }
func (c *core) passive() []port  { return c.ports[1:c.passiveEnd()] }
func (c *core) implicit() []port { return c.ports[c.passiveEnd():] }

func (c *core) passiveEnd() int {
	if c.cfg.ImplicitPort != 0 {
		return len(c.ports) - 1
	}
	return len(c.ports)
}

// mapAll asks for every port again; the verified ones stay in use meanwhile.
func (c *core) mapAll() {
	for i := range c.ports {
		c.ports[i].again = true
	}
	for i := range c.pinholes.list {
		c.pinholes.list[i].again = true
	}
}

// askedAt notes that the gateway was asked for p.
func (p *port) askedAt(now time.Time) { p.looked, p.suspect = now, time.Time{} }

// drop forgets what the gateway listed for p.
func (p *port) drop() {
	p.held, p.doubted = gateway.Mapping{}, false
	if p.state == PortVerified {
		p.state = PortPending
	}
}

// drop forgets it, too, but keeps in mind what another method than the one in use
// made: whoever says that it is not there may not see it.
func (c *core) drop(p *port) {
	if p.held.External != 0 && p.heldBy != c.gw.method {
		c.remember(c.remnant(p.heldBy, p.held))
	}
	p.drop()
}

// leftovers are the mappings that the gateway has, or may have, for p.
func (c *core) leftovers(p *port) []remnant {
	var list []remnant
	if p.held.External != 0 {
		list = append(list, c.remnant(p.heldBy, p.held))
	}
	asked := c.remnant(p.askedBy, gateway.Mapping{Request: p.asked})
	if p.asked.External != 0 && !slices.ContainsFunc(list, asked.sameRow) {
		list = append(list, asked)
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
	c.spend(now)
	c.gw.changed = now
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
	p.askedAt(now)
	switch {
	case e.err == nil:
		c.verified(p, e.mapping, now)
		p.renewAt = c.renewAt(e.mapping, e.chance)
	case errors.Is(e.err, gateway.ErrRule):
		c.drop(p)
		p.ruled(e.err, now)
	case errors.Is(e.err, gateway.ErrConflict):
		c.conflict(e.index, e.err, now)
	case errors.Is(e.err, gateway.ErrRefused):
		p.doubted = p.held.External != 0
		c.refused(e.index, e.err, now)
	default: // nobody knows whether the mapping was made
		c.unsure(p, e.request)
		c.refused(e.index, e.err, now)
	}
}

// conflict is called when another host has port i. PCP and NAT-PMP say the same of a
// port that the gateway's rules forbid (miniupnpd); UPnP tells which it is.
func (c *core) conflict(i int, err error, now time.Time) {
	p := &c.ports[i]
	last := p.external == p.internal
	c.drop(p)
	p.deny(PortTaken, err, now)
	if i == 0 && last && c.gw.method != gateway.UPnP {
		c.fallBack(now, err)
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

// unsure notes a request whose outcome is not known. One that it follows may have been
// heard too: for another external port it is not wanted any more, and by another
// method it is that one's to remove.
func (c *core) unsure(p *port, r gateway.Request) {
	before := c.remnant(p.askedBy, gateway.Mapping{Request: p.asked})
	switch {
	case p.asked.External == 0:
	case p.asked.External != r.External:
		c.discard(before)
	case p.askedBy != c.gw.method:
		c.remember(before)
	}
	p.asked, p.askedBy = r, c.gw.method
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
	if p.held.External != 0 && p.heldBy != c.gw.method {
		c.remember(c.remnant(p.heldBy, p.held))
	}
	p.held, p.heldBy, p.asked = m, c.gw.method, gateway.Request{}
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

// forgive forgets what a gateway denied: another one, or this one at another address
// of ours, may grant it.
func (p *port) forgive() {
	if p.state == PortTaken || p.state == PortRefused {
		p.state = PortPending
	}
	p.external, p.problem = p.wanted, ""
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
	c.spend(now)
	p := &c.ports[e.index]
	doubted := p.doubted
	p.doubted = false
	p.askedAt(now)
	if gone(e.err) {
		c.lose(now, e.err)
		return
	}
	c.gw.seen = now
	switch {
	case e.err == nil: // it is as it was
	case errors.Is(e.err, gateway.ErrConflict):
		c.drop(p)
		p.deny(PortTaken, e.err, now)
	case !errors.Is(e.err, gateway.ErrNotMapped):
		// Nonsense is no proof of anything; the next round asks again.
	case doubted:
		c.drop(p)
		p.deny(PortRefused, e.err, now)
	default:
		// One is lost: a gateway that restarted has lost them all.
		c.drop(p)
		c.mapAll()
	}
}
