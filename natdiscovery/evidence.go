package natdiscovery

import (
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// evidence is what is known of our external address at one moment, by source.
// The zero Addr: the source says nothing of use.
type evidence struct {
	// operator is the address that the operator wrote, name what the host name
	// that he wrote stands for.
	operator, name netip.Addr
	// gateway is the WAN address as the gateway tells it now.
	gateway netip.Addr
	// reflexive is what two STUN operators agreed on after the last change of
	// the network and of the gateway's answer, agreed how often in a row.
	reflexive netip.Addr
	agreed    int
}

// choose weighs the evidence: the operator's word, then the gateway's public
// address unless newer STUN agreements contradict it twice (a gateway that lies,
// or another uplink), then the reflexive address. The zero Addr: no evidence.
func (e evidence) choose() (netip.Addr, Source) {
	switch {
	case e.operator.IsValid():
		return e.operator, SourceOperator
	case e.name.IsValid():
		return e.name, SourceOperator
	case gateway.Public(e.gateway) && !e.contradicted():
		return e.gateway, SourceGateway
	case e.reflexive.IsValid():
		return e.reflexive, SourceSTUN
	}
	return netip.Addr{}, SourceNone
}

// differs says whether STUN saw another address than the gateway tells. Where the
// gateway's address is not public that is no contradiction.
func (e evidence) differs() bool {
	return gateway.Public(e.gateway) && e.reflexive.IsValid() && e.reflexive != e.gateway
}

// contradicted says whether STUN said so often enough to be believed.
func (e evidence) contradicted() bool { return e.differs() && e.agreed >= 2 }

// advertised is the address that outside clients are told.
type advertised struct {
	addr              netip.Addr
	source            Source
	learnt, confirmed time.Time
}

func (c *core) evidence() evidence {
	e := evidence{operator: c.cfg.ExternalAddress, name: c.name.addr}
	if c.gw.found && c.gw.answered {
		e.gateway = c.gw.told
	}
	if s := &c.stun; s.addr.IsValid() && !s.asked.Before(c.since) {
		e.reflexive, e.agreed = s.addr, s.agreed
	}
	return e
}

// weigh takes the address that the evidence speaks for. When everything is
// silent the last good one stays, but for one that the operator took back.
func (c *core) weigh(now time.Time) {
	addr, source := c.evidence().choose()
	if !addr.IsValid() {
		if c.ext.source == SourceOperator && c.cfg.ExternalHost == "" {
			c.ext = advertised{}
		}
		return
	}
	if addr != c.ext.addr {
		if c.ext.addr.IsValid() {
			c.counts.AddressChanges++
		}
		c.sessions = sessionsState{}
		c.probes.renew()
	}
	if addr != c.ext.addr || c.ext.source == SourceLastRun {
		c.ext.addr, c.ext.learnt = addr, now
	}
	c.ext.source = source
	switch source {
	case SourceGateway:
		c.ext.confirmed = c.gw.seen
	case SourceSTUN:
		c.ext.confirmed = c.stun.seen
	default:
		c.ext.confirmed = later(c.ext.learnt, c.name.seen)
	}
}
