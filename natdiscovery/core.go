package natdiscovery

import (
	"context"
	"time"
)

// The core decides; it does no I/O, has no clock and no goroutine. The shell
// (Discovery.Run) tells it what happened and when, and carries out the actions
// that it answers with. So hours of leases are tested in a millisecond.

const (
	// idle is the longest the core sleeps when nothing is due.
	idle = time.Minute
	// lateness is how much later than planned a step may come, or how far the
	// wall clock may move against the monotonic one, before this host must have
	// slept (suspend, a stopped virtual machine).
	lateness = 30 * time.Second
	// pace is the rest a gateway gets between two requests: weak routers lose
	// requests that follow each other at once.
	pace = 100 * time.Millisecond
	// maxStagger bounds the pause before a PCP or NAT-PMP gateway is told again
	// what it has lost.
	maxStagger = 2 * time.Second
)

// core is everything the decisions need. It is owned by one goroutine.
type core struct {
	cfg      Config  // its values only; the core calls none of its functions
	next     *Config // to be taken over; nil: none
	network  networkState
	gw       gatewayState
	methods  []methodState // in the order of preference
	ports    []port        // the control port, then the passive ports in order
	pinholes pinholeState
	stun     stunState
	name     nameState
	ext      advertised
	disk     diskState
	counts   Counts

	// former is what was left on gateways before the one in use was found.
	former []remnant

	// stagger is this host's part of maxStagger.
	stagger time.Duration

	news, losses budget
	probes       probeState
	// sessions is what clients have shown of the external address.
	sessions sessionsState

	// suspected is when all mappings were last to be checked because of news. It may be
	// ahead.
	suspected time.Time
	// since is the last change of the network or of the gateway's answer: what
	// STUN said of an earlier time proves nothing any more.
	since time.Time
	// upkept is when a mapping was last asked for or checked, renewed when one
	// was last asked for outside a round over all ports.
	upkept, renewed time.Time
	// last is the step before this one, wake when that one planned the next.
	last, wake time.Time
}

// event is something that happened: the outcome of an action, or news.
type event interface {
	apply(c *core, now time.Time)
}

// action is something to be done outside the core. do takes its time and returns
// the outcome; it reads nothing of the core.
type action interface {
	do(ctx context.Context, cfg Config) event
}

// lane is a row of actions of which one runs at a time. The gateway has one, so
// that it is asked one thing at a time; STUN and names have others, so that a dead
// gateway does not delay them.
type lane struct {
	doing action    // nil: none
	began time.Time // when doing, or the one before, was started
	rest  time.Time // not before this is the next one started
}

// done ends the action that runs.
func (l *lane) done() { l.doing = nil }

// duty is an action that is due at some time. The zero Time: at once.
type duty struct {
	at time.Time
	do action
}

// newCore makes a core that knows what an earlier run left in the journal.
func newCore(cfg Config, j journal) *core {
	c := &core{cfg: cfg, former: j.mappings, methods: newMethods(cfg)}
	c.ports = newPorts(cfg)
	c.pinholes.former = j.pinholes
	c.disk.keep(j)
	if j.external.IsValid() {
		c.ext = advertised{addr: j.external, source: SourceLastRun}
	}
	return c
}

// step takes in what happened (nil: time went by) and returns what is to be
// started now, and when to step again at the latest.
func (c *core) step(now time.Time, e event) (start []action, wake time.Time) {
	if c.slept(now) {
		c.network.at = now
		c.moved(now)
	}
	if c.last.IsZero() {
		c.bound(now)
	}
	if e != nil {
		c.happened(e, now)
	}
	c.reconfigure(now)
	c.turnAway(now)
	c.expire(now)
	c.expireFormer(now)
	c.weigh(now)
	start, wake = c.due(now)
	c.last, c.wake = now, wake
	return start, wake
}

// slept says whether this host stood still since the last step.
func (c *core) slept(now time.Time) bool {
	if c.last.IsZero() {
		return false
	}
	return stoodStill(now.Sub(c.last), now.Round(0).Sub(c.last.Round(0)), now.Sub(c.wake))
}

// stoodStill judges by the time that the monotonic and the wall clock ran, and by
// how late a step comes. Linux's monotonic clock stops in suspend and the wall clock
// does not; elsewhere both run on and the step comes late.
func stoodStill(ran, wall, late time.Duration) bool {
	return late > lateness || (wall-ran).Abs() > lateness
}

// due starts what is due in every lane that is free.
func (c *core) due(now time.Time) (start []action, wake time.Time) {
	wake = c.nextExpiry(now.Add(idle))
	for _, row := range []struct {
		lane   *lane
		duties []duty
	}{
		{&c.network.lane, c.networkDuties()},
		{&c.gw.lane, c.gatewayDuties(now)},
		{&c.stun.lane, c.stunDuties()},
		{&c.name.lane, c.nameDuties()},
		{&c.disk.lane, c.diskDuties()},
		{&c.probes.lane, c.probeDuties()},
	} {
		if row.lane.doing != nil || len(row.duties) == 0 || c.next != nil {
			continue
		}
		next := pick(now, row.duties)
		if at := later(next.at, row.lane.rest); at.After(now) {
			wake = sooner(wake, at)
			continue
		}
		row.lane.doing, row.lane.began = next.do, now
		start = append(start, next.do)
	}
	return start, wake
}

// pick returns the first duty that is due, else the one that is due next.
func pick(now time.Time, duties []duty) duty {
	next := duties[0]
	for _, d := range duties {
		if !d.at.After(now) {
			return d
		}
		if d.at.Before(next.at) {
			next = d
		}
	}
	return next
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
