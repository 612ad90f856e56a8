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
	// pinholeAddresses is for how many IPv6 addresses of ours pinholes are opened.
	// A host has a lasting one, and temporary ones that nobody knows (RFC 8981).
	pinholeAddresses = 4
	// pinholePause is when a gateway that opens no pinholes, or that need not, is
	// asked again.
	pinholePause = 30 * time.Minute
)

// pinhole is one port at one IPv6 address of ours.
type pinhole struct {
	internal netip.AddrPort
	state    PortState
	problem  string
	held     gateway.Pinhole // as last granted; no Granted: none
	again    bool            // ask for it at once
	failures int
	retryAt  time.Time
}

// pinholeState is what is known of the gateway's IPv6 firewall.
type pinholeState struct {
	list []pinhole
	// by are the methods that might open pinholes, the one in use first.
	by []gateway.Pinholer
	// stale are to be closed, former what earlier runs left on some gateway.
	stale  []gateway.Pinhole
	former []leftPinhole
}

// planPinholes makes the list that of our addresses of now. A pinhole to an address
// that is not ours any more can't be closed by us: its lease ends it.
func (c *core) planPinholes() {
	if !c.cfg.Pinholes || len(c.cfg.Methods) == 0 {
		return
	}
	s, old := &c.pinholes, c.pinholes.list
	s.list = nil
	for _, addr := range pinholeTargets(c.network.addrs) {
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
		if a.Is6() && !a.Is4In6() && gateway.Public(a) && len(list) < pinholeAddresses {
			list = append(list, a)
		}
	}
	return list
}

// attachPinholes asks for all pinholes at the gateway that was just found, and takes
// over what an earlier run left there.
func (c *core) attachPinholes(found []finding) {
	s := &c.pinholes
	s.by, s.stale = nil, nil
	for _, f := range found {
		if by, ok := f.client.(gateway.Pinholer); ok {
			s.by = append(s.by, by)
		}
	}
	for i := range s.list {
		s.list[i].again = true
	}
	for _, f := range s.former {
		if !sameGateway(f.device, c.gw.identity) {
			continue
		}
		if p := s.find(f.pinhole.Internal); p != nil {
			p.held = f.pinhole
		} else if slices.Contains(c.network.addrs, f.pinhole.Internal.Addr()) {
			s.stale = append(s.stale, f.pinhole)
		}
	}
	s.former = nil
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

// pinholeDuties come after all that IPv4 needs: they are asked for one after the
// other, and renewed in turn with the mappings.
func (c *core) pinholeDuties() []duty {
	s, turn := &c.pinholes, c.turn()
	if len(s.by) == 0 {
		return nil
	}
	var duties []duty
	if len(s.stale) > 0 {
		duties = append(duties, duty{do: closePinhole{s.by[0], s.stale[0]}})
	}
	for i := range s.list {
		p := &s.list[i]
		ask := askPinhole{s.by[0], p.internal, p.held, c.cfg.Lease}
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

// askPinhole opens or renews a pinhole.
type askPinhole struct {
	by       gateway.Pinholer
	internal netip.AddrPort
	held     gateway.Pinhole
	lease    time.Duration
}

func (a askPinhole) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var p gateway.Pinhole
	err := gateway.ErrNotMapped
	if !a.held.Granted.IsZero() {
		p, err = a.by.RenewPinhole(ctx, a.held, a.lease)
	}
	if errors.Is(err, gateway.ErrNotMapped) {
		p, err = a.by.OpenPinhole(ctx, a.internal, a.lease)
	}
	cfg.Log.Debug("open pinhole", "internal", a.internal, "lease", p.Lifetime, "error", err)
	return pinholeAnswered{a, p, err}
}

// pinholeAnswered is the outcome of askPinhole.
type pinholeAnswered struct {
	asked   askPinhole
	pinhole gateway.Pinhole
	err     error
}

func (e pinholeAnswered) apply(c *core, now time.Time) {
	c.gatewayDone(now, time.Time{})
	c.upkept = now
	s := &c.pinholes
	p := s.find(e.asked.internal)
	if p == nil {
		return // the address is not ours any more: the lease ends it
	}
	p.again = false
	switch {
	case e.err == nil:
		*p = pinhole{internal: p.internal, state: PortVerified, held: e.pinhole}
	case errors.Is(e.err, gateway.ErrOpen):
		*p = pinhole{internal: p.internal, state: PortUnneeded, retryAt: now.Add(pinholePause)}
	case errors.Is(e.err, gateway.ErrNoPinholes):
		s.giveUp(e, now)
	default:
		p.failures++
		p.retryAt = now.Add(min(firstRefusedPause<<min(p.failures-1, 10), lastRefusedPause))
		p.problem = e.err.Error()
		if p.held.Granted.IsZero() {
			p.state = PortRefused
		}
	}
}

// giveUp turns to the next method, if there is one, and else asks for no pinhole
// for a while.
func (s *pinholeState) giveUp(e pinholeAnswered, now time.Time) {
	if len(s.by) > 1 && s.by[0] == e.asked.by {
		s.by = s.by[1:]
		s.find(e.asked.internal).again = true
		return
	}
	for i := range s.list {
		s.list[i] = pinhole{internal: s.list[i].internal, state: PortRefused, problem: e.err.Error(), retryAt: now.Add(pinholePause)}
	}
}

// expirePinholes drops those whose lease has ended.
func (c *core) expirePinholes(now time.Time) {
	for i := range c.pinholes.list {
		p := &c.pinholes.list[i]
		if p.state == PortVerified && !p.held.Expires().After(now) {
			*p = pinhole{internal: p.internal, state: PortPending, again: true}
		}
	}
}

// closePinhole closes a pinhole.
type closePinhole struct {
	by      gateway.Pinholer
	pinhole gateway.Pinhole
}

func (a closePinhole) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := a.by.ClosePinhole(ctx, a.pinhole)
	cfg.Log.Debug("close pinhole", "internal", a.pinhole.Internal, "error", err)
	return pinholeClosed{a.pinhole}
}

// pinholeClosed is the outcome of closePinhole. What could not be closed ends with
// its lease.
type pinholeClosed struct{ pinhole gateway.Pinhole }

func (e pinholeClosed) apply(c *core, now time.Time) {
	c.gatewayDone(now, time.Time{})
	s := &c.pinholes
	if len(s.stale) > 0 && s.stale[0] == e.pinhole {
		s.stale = s.stale[1:]
	}
}

// openPinholes are those that the gateway has for us.
func (s *pinholeState) open() []gateway.Pinhole {
	list := slices.Clone(s.stale)
	for _, p := range s.list {
		if !p.held.Granted.IsZero() {
			list = append(list, p.held)
		}
	}
	return list
}
