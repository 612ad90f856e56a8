package natdiscovery

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// A gateway that is silent is searched for again after 2, 4, 8 ... 60 s.
	firstSearchPause, lastSearchPause = 2 * time.Second, time.Minute
	// One that served us steadily and went away is back in a few minutes, if it
	// only restarts: until then the pause is short, so that its mappings are there
	// again within 10 s of its return.
	returnPause, returnTime = time.Second, 5 * time.Minute
	// While none was ever found the pause ends here for the first
	// eagerSearches: after a power cut the router is up later than we are.
	eagerSearchPause, eagerSearches = 15 * time.Second, 24
	// steady is how long a gateway must have served before its loss is met
	// with a search at once; one that is lost sooner is not chased.
	steady = time.Minute
	// nonsenseLimit is how many senseless answers in a row lose a gateway.
	nonsenseLimit = 3
	// A gateway that says lossBurst times that it has lost its mappings, and then more
	// often than once in lossPause, counts its epoch wrongly.
	lossBurst, lossPause = 5, 5 * time.Minute
	// lostAfter is how many searches in a row must fail before a gateway that
	// was there is called gone: a reboot is shorter than that on few routers,
	// but the operator should know.
	lostAfter = 3
)

// gatewayState is what is known of the gateway.
type gatewayState struct {
	lane
	client   gateway.Client // the last one found, also after its loss; the core only hands it on
	identity gateway.Device
	method   gateway.Method
	local    netip.Addr // our address as this gateway sees it
	formerly netip.Addr // our address as it saw it before; the zero Addr: none

	beside []finding // other methods that it answered by

	found, ever bool // now; at all since the network changed
	opened      bool // it opened a port since it was found
	foundAt     time.Time
	searches    int       // in a row that found nothing that lasted
	at          time.Time // of the next search
	returns     time.Time // until when it may be back any moment, after its loss
	leaving     bool      // what it holds for us is removed; then it is forgotten
	refind      bool      // it announced that it is to be found anew
	forgot      time.Time // when it was last noticed to have lost its mappings
	behindNAT   bool      // it says that another NAT stands between us and it
	changed     time.Time // when its mappings were last changed by us
	seen        time.Time // when it last answered
	pollAt      time.Time // of the next question for its address
	pollBegan   time.Time // when it was last asked for it
	polled      bool      // that was what it was asked last
	announces   bool      // it has told of a change by itself
	nonsense    int       // senseless answers in a row

	told     netip.Addr // its WAN address; kept after a loss, to see a change
	answered bool       // told is of this gateway, since it was found
	noWAN    bool       // it told that it has no address

	stale []remnant // to be removed: of an old address, or not wanted any more
}

// discovered is the outcome of discover: what came of each method, the preferred
// one first.
type discovered struct {
	network  Network // where it was looked for
	findings []finding
}

func (e discovered) apply(c *core, now time.Time) {
	g := &c.gw
	g.done()
	if !samePlace(e.network, c.network.Network) {
		return // moved has planned the next search
	}
	for _, f := range e.findings {
		c.method(f.method).found(f, now)
	}
	serving := c.serving(e.findings)
	if g.refind = false; len(serving) == 0 {
		if g.found { // its news was a goodbye
			c.lost(now)
		}
		g.searches++
		g.at = now.Add(c.searchPause(now))
		return
	}
	c.attach(serving[0], serving[1:], now)
	g.refind = e.network.Router6 != c.network.Router6
}

// serving are the findings of use. Behind another NAT, of which only PCP tells,
// NAT-PMP would open ports that lead to that NAT.
func (c *core) serving(findings []finding) []finding {
	c.gw.behindNAT = slices.ContainsFunc(findings, func(f finding) bool { return errors.Is(f.err, gateway.ErrBehindNAT) })
	return slices.DeleteFunc(slices.Clone(findings), func(f finding) bool {
		return f.err != nil || c.gw.behindNAT && f.method == gateway.NATPMP
	})
}

// attach makes f the gateway in use. It answered by the methods beside as well.
func (c *core) attach(f finding, beside []finding, now time.Time) {
	g := &c.gw
	same := sameGateway(f.device, g.identity)
	if !same || f.local != g.local {
		c.leaveBehind()
	}
	if !same {
		g.formerly, g.announces = netip.Addr{}, false
		c.forgetPinholes()
	}
	g.client, g.identity, g.method, g.local = f.client, f.device, f.method, f.local
	g.beside = beside
	g.found, g.ever, g.foundAt, g.seen = true, true, now, now
	g.answered, g.opened, g.nonsense = false, false, 0
	g.pollAt = now
	c.rest(now, same && !c.reads())
	stale := g.stale
	g.stale = nil
	for _, r := range stale {
		c.discard(r) // by the clients of now
	}
	c.takeOver()
	c.attachPinholes(append([]finding{f}, beside...), now)
	c.mapAll()
	c.stun.hurry(now)
}

// sameGateway tells a gateway that came back from another one. Some change their
// ID when they restart.
func sameGateway(a, b gateway.Device) bool {
	return a.ID != "" && a.ID == b.ID || a.Address == b.Address
}

// searchPause is the pause after g.searches in vain.
func (c *core) searchPause(now time.Time) time.Duration {
	g := &c.gw
	switch pause := firstSearchPause << min(g.searches-1, 10); {
	case now.Before(g.returns):
		return returnPause
	case !g.ever && g.searches <= eagerSearches:
		return min(pause, eagerSearchPause)
	default:
		return min(pause, lastSearchPause)
	}
}

// lose is called when the gateway does not answer. Its mappings are believed in
// until their leases end.
func (c *core) lose(now time.Time, why error) {
	g := &c.gw
	if !g.found || c.fallBack(now, why) {
		return
	}
	c.lost(now)
}

// lost plans the search for a gateway that was there.
func (c *core) lost(now time.Time) {
	g := &c.gw
	g.found, g.at = false, now
	if now.Sub(g.foundAt) >= steady {
		g.searches, g.returns = 0, now.Add(returnTime)
	} else {
		g.searches++
		g.at = now.Add(c.searchPause(now))
	}
	c.stun.hurry(now)
}

// gone says whether err means that the gateway does not answer.
func gone(err error) bool {
	return errors.Is(err, gateway.ErrGone) || errors.Is(err, context.DeadlineExceeded)
}

// addressTold is the outcome of askAddress.
type addressTold struct {
	addr   netip.Addr
	err    error
	forgot time.Time
}

func (e addressTold) apply(c *core, now time.Time) {
	g := &c.gw
	c.gatewayDone(now, e.forgot)
	g.polled = true
	g.pollBegan, g.pollAt = g.began, g.began.Add(c.pollPause())
	switch {
	case e.err == nil, errors.Is(e.err, gateway.ErrNoWAN), errors.Is(e.err, gateway.ErrRefused):
		g.noWAN = errors.Is(e.err, gateway.ErrNoWAN)
		c.told(e.addr, now)
	case gone(e.err):
		c.lose(now, e.err)
	default:
		if g.nonsense++; g.nonsense >= nonsenseLimit {
			c.lose(now, e.err)
		}
	}
}

// told takes in the gateway's word for its WAN address; the zero Addr: it has
// none, or does not say. Routers drop mappings when a new address comes (PPP
// reconnect), so all of them are asked for again.
func (c *core) told(addr netip.Addr, now time.Time) {
	g := &c.gw
	g.seen, g.nonsense, g.answered = now, 0, true
	if addr == g.told {
		return
	}
	g.told, c.since = addr, now
	c.stun.hurry(now)
	if addr.IsValid() {
		c.mapAll()
	}
}

// gatewayDone ends a request to the gateway, which then rests. What it has forgotten
// is asked for again.
func (c *core) gatewayDone(now, forgot time.Time) {
	g := &c.gw
	g.done()
	g.polled = false
	lost := forgot.After(g.forgot)
	recovers := lost && c.losses.take(now, lossBurst, lossPause)
	c.rest(now, recovers)
	if lost {
		g.forgot = forgot
	}
	if recovers {
		c.mapAll()
	}
}

// rest gives the gateway a pause. After it has lost its mappings all hosts of the LAN
// ask for theirs again, and shall not at the same moment: RFC 6887 (section 14.1.3)
// spreads them over 5 s. Ours shall be back within 10 s of the gateway's return, so a
// host takes its part of maxStagger, which it has drawn at the start.
func (c *core) rest(now time.Time, recovers bool) {
	pause := pace
	if recovers {
		pause += c.stagger
	}
	c.gw.lane.rest = now.Add(pause)
}

// gatewayDuties are what the gateway is to be asked, what matters most first: its
// address, but never twice in a row where something else waits, which a slow
// gateway would else never be asked.
func (c *core) gatewayDuties(now time.Time) []duty {
	g := &c.gw
	if g.found && g.leaving {
		return c.leavingDuties()
	}
	if len(c.cfg.Methods) == 0 || !c.network.known {
		return nil
	}
	if !g.found {
		return []duty{{g.at, discover{c.network.Network, c.preferred(now)}}}
	}
	if g.refind {
		return []duty{{do: discover{c.network.Network, c.preferred(now)}}}
	}
	poll := duty{g.pollAt, askAddress{g.client}}
	var duties []duty
	if !g.polled {
		duties = append(duties, poll)
	}
	if len(g.stale) > 0 {
		duties = append(duties, duty{do: unmap{c.remover(g.stale[0]), g.stale[0]}})
	}
	return slices.Concat(duties, c.roundDuties(), c.renewalDuties(), c.pinholeDuties(), c.checkDuties(now), []duty{poll})
}
