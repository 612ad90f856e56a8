package natdiscovery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"natftpd/natdiscovery/stun"
)

const (
	// probeEvery is how often the uplink is measured again although nothing has
	// changed, probeAgain when there was no result.
	probeEvery, probeAgain = 6 * time.Hour, 30 * time.Minute
	// probeTimeout bounds one measurement, hairpinTimeout a connection to
	// ourselves: where the router does not loop back it is never answered.
	probeTimeout, hairpinTimeout = 15 * time.Second, 3 * time.Second
)

// Hairpin says whether a client in the LAN reaches us by the external address (RFC
// 4787, section 6).
type Hairpin string

// What is known of the gateway's hairpin.
const (
	HairpinUnknown Hairpin = ""
	HairpinYes     Hairpin = "yes"
	HairpinNo      Hairpin = "no"
)

// probeState is what was measured on the way to the internet, one thing after the
// other.
type probeState struct {
	lane
	mtu     int
	mtuSeen time.Time
	udp     stun.NATBehaviour
	hairpin Hairpin
	tried   netip.AddrPort // by hairpin
	// hops are the routers on the way.
	hops     []netip.Addr
	hopsSeen time.Time

	hopsAt, mtuAt, udpAt, hairpinAt time.Time
}

// renew has everything measured again: the way may be another one. Who stood on the
// former one is forgotten, since the verdict goes by it.
func (p *probeState) renew() {
	p.hopsAt, p.mtuAt, p.udpAt, p.hairpinAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	p.hops, p.hopsSeen = nil, time.Time{}
}

// online says whether somebody has told our external address: a host without the
// internet has nothing to measure.
func (c *core) online() bool {
	return c.ext.source != SourceNone && c.ext.source != SourceLastRun
}

// probeDuties are the measurements.
func (c *core) probeDuties() []duty {
	p := &c.probes
	if !c.online() {
		return nil
	}
	var duties []duty
	if c.cfg.Trace != nil {
		duties = append(duties, duty{p.hopsAt, trace{}}) // first: a verdict may wait for it
	}
	if c.cfg.TryHairpin != nil && c.control().state == PortVerified {
		target := netip.AddrPortFrom(c.ext.addr, c.control().held.External)
		if target != p.tried {
			duties = append(duties, duty{do: tryHairpin{target}})
		} else {
			duties = append(duties, duty{p.hairpinAt, tryHairpin{target}})
		}
	}
	if c.cfg.Behaviour != nil {
		duties = append(duties, duty{p.udpAt, compareUDP{}})
	}
	if c.cfg.PathMTU != nil {
		duties = append(duties, duty{p.mtuAt, measureMTU{c.network.Interface}})
	}
	return duties
}

// probing says whether something is measured, or will be at once.
func (c *core) probing() bool {
	for _, d := range c.probeDuties() {
		if d.at.IsZero() {
			return true
		}
	}
	return c.probes.doing != nil
}

// measureMTU measures the path MTU.
type measureMTU struct{ iface string }

func (a measureMTU) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	mtu, known, err := cfg.PathMTU(ctx, a.iface)
	cfg.Log.Debug("measure the path MTU", "mtu", mtu, "known", known, "error", err)
	return mtuMeasured{mtu, known && err == nil}
}

// mtuMeasured is the outcome of measureMTU.
type mtuMeasured struct {
	mtu   int
	known bool
}

func (e mtuMeasured) apply(c *core, now time.Time) {
	p := &c.probes
	p.done()
	p.mtuAt = now.Add(probeAgain)
	if e.known {
		p.mtu, p.mtuSeen, p.mtuAt = e.mtu, now, now.Add(probeEvery)
	}
}

// compareUDP compares what STUN servers see of one UDP port.
type compareUDP struct{}

func (compareUDP) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	b, err := cfg.Behaviour(ctx)
	cfg.Log.Debug("compare UDP mappings", "mapping", b.Mapping, "port_preserved", b.PortPreserved, "error", err)
	b.Answers = nil
	return udpCompared{b}
}

// udpCompared is the outcome of compareUDP.
type udpCompared struct{ behaviour stun.NATBehaviour }

func (e udpCompared) apply(c *core, now time.Time) {
	p := &c.probes
	p.done()
	p.udpAt = now.Add(probeAgain)
	if e.behaviour.Mapping != stun.Unknown {
		p.udp, p.udpAt = e.behaviour, now.Add(probeEvery)
	}
}

// tryHairpin connects to ourselves by the external address.
type tryHairpin struct{ target netip.AddrPort }

func (a tryHairpin) do(ctx context.Context, cfg Config) event {
	within, cancel := context.WithTimeout(ctx, hairpinTimeout)
	defer cancel()
	err := cfg.TryHairpin(within, a.target)
	cfg.Log.Debug("try hairpin", "target", a.target, "error", err)
	return hairpinTried{a.target, hairpinOf(err)}
}

// hairpinOf judges by how a connection to ourselves ended. Our listener answers,
// so what was refused or dropped never came to it.
func hairpinOf(err error) Hairpin {
	var timeout net.Error
	switch {
	case err == nil:
		return HairpinYes
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return HairpinNo
	default: // no route, no socket, or the end
		return HairpinUnknown
	}
}

// hairpinTried is the outcome of tryHairpin.
type hairpinTried struct {
	target  netip.AddrPort
	hairpin Hairpin
}

func (e hairpinTried) apply(c *core, now time.Time) {
	p := &c.probes
	p.done()
	p.tried, p.hairpin = e.target, e.hairpin
	p.hairpinAt = now.Add(probeEvery)
	if e.hairpin == HairpinUnknown {
		p.hairpinAt = now.Add(probeAgain)
	}
}

// dial connects to target and hangs up.
func dial(ctx context.Context, target netip.AddrPort) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", target.String())
	if err != nil {
		return err
	}
	return conn.Close()
}

// pathMTU measures with STUN servers, down from the MTU of the interface.
func pathMTU(servers []string) func(ctx context.Context, iface string) (int, bool, error) {
	return func(ctx context.Context, iface string) (int, bool, error) {
		mtu := 0
		if i, err := net.InterfaceByName(iface); err == nil {
			mtu = i.MTU
		}
		return stun.PathMTU(ctx, stun.Config{Servers: servers}, mtu)
	}
}
