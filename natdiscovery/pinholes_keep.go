package natdiscovery

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// pinholePause is when a gateway that opens no pinholes, or that need not, is
	// asked again.
	pinholePause = 30 * time.Minute
	// pinholeCheckPause is the least time between two checks of pinholes, so that
	// the mappings are still checked within 5 minutes. One that is found lost has
	// all others opened again as well.
	pinholeCheckPause = 75 * time.Second
)

// pinholeDuties come after all that IPv4 needs: they are asked for one after the
// other, and renewed in turn with the mappings.
func (c *core) pinholeDuties() []duty {
	s, turn := &c.pinholes, c.turn()
	if len(s.by) == 0 {
		return nil
	}
	var duties []duty
	if len(s.stale) > 0 {
		duties = append(duties, duty{do: closePinhole{c.closer(s.stale[0]), s.stale[0]}})
	}
	for i := range s.list {
		p := &s.list[i]
		ask := c.askFor(p)
		switch {
		case p.again:
			duties = append(duties, duty{p.retryAt, ask})
		case p.state == PortVerified:
			late := p.held.Granted.Add(p.held.Lifetime / 4 * 3)
			duties = append(duties, duty{later(late, p.retryAt), ask},
				duty{later(later(p.held.RenewAt(), p.retryAt), turn), ask})
		default:
			duties = append(duties, duty{later(p.retryAt, turn), ask})
		}
	}
	return duties
}

// pinholeCheck is the check of the pinhole that was confirmed the longest ago, or its
// renewal where that would be due before its next turn: so not all fall due together.
func (c *core) pinholeCheck(now time.Time) []duty {
	s := &c.pinholes
	var oldest *pinhole
	for i := range s.list {
		if p := &s.list[i]; p.state == PortVerified && (oldest == nil || p.looked.Before(oldest.looked)) {
			oldest = p
		}
	}
	if oldest == nil || len(s.by) == 0 {
		return nil
	}
	ask := c.askFor(oldest)
	next := now.Add(pinholeCheckPause * time.Duration(len(s.list)))
	ask.turn, ask.check = true, next.Before(oldest.held.RenewAt())
	return []duty{{later(later(c.turn(), s.checked.Add(pinholeCheckPause)), oldest.retryAt), ask}}
}

// askFor asks for a pinhole: to renew it, where the same method opened it.
func (c *core) askFor(p *pinhole) askPinhole {
	s := &c.pinholes
	ask := askPinhole{by: s.by[s.use], internal: p.internal, lease: c.cfg.Lease}
	if p.heldBy == ask.by.method {
		ask.held = p.held
	}
	return ask
}

// askPinhole opens a pinhole, or renews or checks the one that is held.
type askPinhole struct {
	by       opener
	internal netip.AddrPort
	held     gateway.Pinhole
	lease    time.Duration
	turn     bool // it was its turn to be checked
	check    bool
}

func (a askPinhole) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	p, err := a.confirm(ctx)
	lost := errors.Is(err, gateway.ErrNotMapped)
	if a.held.Granted.IsZero() || lost {
		p, err = a.by.OpenPinhole(ctx, a.internal, a.lease)
	}
	if err == nil && tooShort(p.Lifetime) {
		err = fmt.Errorf("open a pinhole to %v: %w: it grants no more than %v", a.internal, gateway.ErrProtocol, p.Lifetime)
	}
	cfg.Log.Debug("ask for pinhole", "internal", a.internal, "method", a.by.method, "check", a.check,
		"lost", lost, "lease", p.Lifetime, "error", err)
	return pinholeAnswered{a, p, lost, err, forgot(a.by.Pinholer)}
}

// confirm checks or renews the pinhole that is held, if one is.
func (a askPinhole) confirm(ctx context.Context) (gateway.Pinhole, error) {
	switch {
	case a.held.Granted.IsZero():
		return gateway.Pinhole{}, nil
	case a.check:
		return a.by.CheckPinhole(ctx, a.held, a.lease)
	}
	return a.by.RenewPinhole(ctx, a.held, a.lease)
}

// pinholeAnswered is the outcome of askPinhole.
type pinholeAnswered struct {
	asked   askPinhole
	pinhole gateway.Pinhole
	lost    bool // the one that was held was not there any more
	err     error
	forgot  time.Time
}

func (e pinholeAnswered) apply(c *core, now time.Time) {
	c.gatewayDone(now, e.forgot)
	c.spend(now)
	s := &c.pinholes
	if e.asked.turn {
		s.checked = now
	}
	p := s.find(e.asked.internal)
	if p == nil {
		return // the address is not ours any more: the lease ends it
	}
	if p.again = false; e.lost {
		p.held = gateway.Pinhole{}
		s.openAgain(p)
	}
	switch {
	case e.err == nil:
		if !p.held.Granted.IsZero() && p.heldBy != e.asked.by.method {
			s.former = append(s.former, leftPinhole{c.device(), p.heldBy, p.held})
		}
		*p = pinhole{internal: p.internal, state: PortVerified, held: e.pinhole, heldBy: e.asked.by.method, looked: now, again: p.again}
	case errors.Is(e.err, gateway.ErrOpen):
		*p = pinhole{internal: p.internal, state: PortUnneeded, retryAt: now.Add(pinholePause)}
	case errors.Is(e.err, gateway.ErrNoPinholes):
		c.giveUp(e, now)
	default:
		p.failures++
		p.retryAt = now.Add(min(firstRefusedPause<<min(p.failures-1, 10), lastRefusedPause))
		p.problem = e.err.Error()
		if p.held.Granted.IsZero() {
			p.state = PortRefused
		}
	}
}

// openAgain is called when one pinhole is lost: a gateway that restarted has lost them
// all.
func (s *pinholeState) openAgain(but *pinhole) {
	for i := range s.list {
		if p := &s.list[i]; p != but && p.state == PortVerified {
			p.again = true
		}
	}
}

// giveUp turns to the next method, if there is one, and else asks for no pinhole
// for a while.
func (c *core) giveUp(e pinholeAnswered, now time.Time) {
	s := &c.pinholes
	more := s.use+1 < len(s.by)
	if more && s.by[s.use] == e.asked.by {
		s.use++
	}
	for i := range s.list {
		p := &s.list[i]
		if more {
			p.again, p.retryAt = true, time.Time{}
			continue
		}
		if !p.held.Granted.IsZero() {
			s.former = append(s.former, leftPinhole{c.device(), p.heldBy, p.held})
		}
		*p = pinhole{internal: p.internal, state: PortRefused, problem: e.err.Error(), retryAt: now.Add(pinholePause)}
	}
}

// expirePinholes drops those whose lease has ended.
func (c *core) expirePinholes(now time.Time) {
	c.pinholes.former = slices.DeleteFunc(c.pinholes.former, func(p leftPinhole) bool {
		return c.gw.found && !p.pinhole.Expires().After(now)
	})
	for i := range c.pinholes.list {
		p := &c.pinholes.list[i]
		if p.state == PortVerified && !p.held.Expires().After(now) {
			*p = pinhole{internal: p.internal, state: PortPending, again: true}
		}
	}
}

// closePinhole closes a pinhole.
type closePinhole struct {
	by gateway.Pinholer
	leftPinhole
}

func (a closePinhole) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := a.by.ClosePinhole(ctx, a.pinhole)
	cfg.Log.Debug("close pinhole", "internal", a.pinhole.Internal, "error", err)
	return pinholeClosed{a.leftPinhole}
}

// pinholeClosed is the outcome of closePinhole. What could not be closed ends with
// its lease.
type pinholeClosed struct{ leftPinhole }

func (e pinholeClosed) apply(c *core, now time.Time) {
	c.gatewayDone(now, time.Time{})
	s := &c.pinholes
	if len(s.stale) > 0 && s.stale[0] == e.leftPinhole {
		s.stale = s.stale[1:]
	}
}
