package natdiscovery

import (
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// stunAlone is how often STUN is asked when nothing else knows the address:
	// with one round of 3 s a change is noticed within 35 s.
	stunAlone = 25 * time.Second
	// stunBeside is how often STUN is asked when there is better evidence.
	stunBeside = 5 * time.Minute
	// stunAgain is when STUN is asked to repeat a contradiction, or after a
	// first failure: one lost datagram shall not cost half a minute.
	stunAgain = 5 * time.Second
	// nameEvery is how often the operator's host name is looked up, nameSoon as
	// long as it stands for no usable address.
	nameEvery, nameSoon = time.Minute, 15 * time.Second
)

// stunState is what STUN servers said.
type stunState struct {
	lane
	at      time.Time
	hurried bool // asked for while a round runs, whose answer may be too old

	addr     netip.Addr // that two operators agreed on
	asked    time.Time  // when they were asked for it
	seen     time.Time  // when they answered
	agreed   int        // times in a row, counted anew when the evidence is void
	failures int        // rounds in a row without agreement
}

// hurry asks STUN at once, after a round that runs.
func (s *stunState) hurry(now time.Time) {
	s.at, s.hurried = now, s.doing != nil
}

// stunAnswered is the outcome of askSTUN.
type stunAnswered struct {
	addr   netip.Addr
	agreed bool
}

func (e stunAnswered) apply(c *core, now time.Time) {
	s := &c.stun
	s.done()
	if e.agreed {
		if e.addr != s.addr || s.asked.Before(c.since) {
			s.agreed = 0
		}
		s.agreed++
		s.addr, s.asked, s.seen, s.failures = e.addr, s.began, now, 0
		if s.agreed == 1 && e.addr != c.gw.told {
			c.gw.pollAt = now // the gateway may have news
		}
	} else {
		s.failures++
	}
	if s.hurried {
		s.hurried, s.at = false, now
		return
	}
	s.at = s.began.Add(c.stunPause())
}

// stunPause is the time from one round to the next.
func (c *core) stunPause() time.Duration {
	e := c.evidence()
	_, source := e.choose()
	switch {
	case c.stun.failures == 1, c.stun.failures == 0 && e.agreed == 1 && c.gw.answered && e.reflexive != e.gateway:
		return stunAgain
	case source == SourceOperator, source == SourceGateway:
		return stunBeside
	default:
		return stunAlone
	}
}

func (c *core) stunDuties() []duty {
	if c.cfg.AskSTUN == nil {
		return nil
	}
	return []duty{{c.stun.at, askSTUN{}}}
}

// nameState is what the operator's host name stands for.
type nameState struct {
	lane
	at    time.Time
	addr  netip.Addr // the last usable answer
	seen  time.Time
	tried bool
}

// lookedUp is the outcome of lookUp: no addresses if that failed.
type lookedUp struct{ addrs []netip.Addr }

func (e lookedUp) apply(c *core, now time.Time) {
	n := &c.name
	n.done()
	n.tried = true
	usable := usable(e.addrs)
	switch {
	case len(usable) == 0:
		n.at = now.Add(nameSoon)
		return
	case !slices.Contains(usable, n.addr): // else a name server that turns its answers round
		n.addr = usable[0]
	}
	n.seen, n.at = now, now.Add(nameEvery)
}

// usable are the IPv4 addresses that the internet can reach. Split DNS answers
// with a LAN address.
func usable(addrs []netip.Addr) []netip.Addr {
	var list []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() && gateway.Public(a) {
			list = append(list, a)
		}
	}
	return list
}

func (c *core) nameDuties() []duty {
	if c.cfg.ExternalHost == "" {
		return nil
	}
	return []duty{{c.name.at, lookUp{c.cfg.ExternalHost}}}
}
