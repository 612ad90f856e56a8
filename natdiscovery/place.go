package natdiscovery

import (
	"net/netip"
	"slices"
	"time"
)

// networkEvery is how often this host's network is read although nothing
// announced a change: the safety net below the kernel's news.
const networkEvery = time.Minute

// networkState is this host's place in its LAN as last read.
type networkState struct {
	lane
	Network
	addrs []netip.Addr // ours
	// lasting are the IPv6 ones that others may be told.
	lasting []netip.Addr
	known   bool // it was read, or could not be
	at      time.Time
}

// networkChanged is news from the kernel: an address, a link or the default
// route changed.
type networkChanged struct{}

func (networkChanged) apply(c *core, now time.Time) { c.network.at = now }

// networkRead is the outcome of readNetwork.
type networkRead struct {
	network Network
	addrs   []netip.Addr
	lasting []netip.Addr
	err     error
}

func (e networkRead) apply(c *core, now time.Time) {
	n := &c.network
	n.done()
	// News that came while it was being read is read again.
	if !n.at.After(n.began) {
		n.at = now.Add(networkEvery)
	}
	first := !n.known
	n.known = true
	if e.err != nil {
		return
	}
	was := n.Network
	n.Network, n.addrs, n.lasting = e.network, e.addrs, e.lasting
	n.LANs = c.lans(e.network.LANs)
	c.planPinholes()
	if !first && !samePlace(was, n.Network) {
		c.moved(now)
	} else if n.Router6 != was.Router6 && n.Router6.IsValid() {
		c.gw.refind = c.gw.found // its clients know the former one
	}
}

func (c *core) networkDuties() []duty {
	return []duty{{c.network.at, readNetwork{}}}
}

// lans adds what the operator calls a LAN to what the interfaces have, or puts
// it in their place.
func (c *core) lans(ours []netip.Prefix) []netip.Prefix {
	if !c.cfg.InterfaceLANs {
		return c.cfg.LANs
	}
	return slices.Concat(ours, c.cfg.LANs)
}

// samePlace says whether the way to the gateway is the same. Container bridges
// that come and go change the LANs, and not that.
func samePlace(a, b Network) bool {
	return a.Interface == b.Interface && a.Local == b.Local && a.Router == b.Router
}

// moved is called when the network under us is, or may be, another one: the
// gateway is looked for anew, and what was known of the address before proves
// nothing. The last good address stays advertised until something contradicts it.
func (c *core) moved(now time.Time) {
	c.since = now
	c.gw.found, c.gw.ever = false, false
	c.gw.searches, c.gw.at, c.gw.returns = 0, now, time.Time{}
	c.stun.hurry(now)
	c.name.at = now
	c.probes.renew()
}
