package natdiscovery

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Beyond are the routers on the way to the internet behind ours, the next one first;
// the zero Addr stands for one that is silent. None: they are not known, or the way
// does not lead through our router.
func (s *Status) Beyond() []netip.Addr {
	router := s.Network.Router
	if s.Gateway != nil {
		router = s.Gateway.Address
	}
	if i := slices.Index(s.Hops, router); router.IsValid() && i >= 0 {
		return s.Hops[i+1:]
	}
	// One that does not show itself is the default gateway all the same.
	if len(s.Hops) > 0 && !s.Hops[0].IsValid() && router == s.Network.Router {
		return s.Hops[1:]
	}
	return nil
}

// nextHop is the router behind ours. The zero Addr: not known.
func (f facts) nextHop() netip.Addr {
	if len(f.beyond) == 0 {
		return netip.Addr{}
	}
	return f.beyond[0]
}

// carrierHop is the first router behind ours that has an address of a carrier. The
// zero Addr: none is known.
func (f facts) carrierHop() netip.Addr {
	if i := slices.IndexFunc(f.beyond, gateway.Shared); i >= 0 {
		return f.beyond[i]
	}
	return netip.Addr{}
}

// trace looks which routers stand on the way to the internet.
type trace struct{}

func (trace) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	hops, err := cfg.Trace(ctx)
	cfg.Log.Debug("trace the way to the internet", "hops", hops, "error", err)
	return traced{hops}
}

// traced is the outcome of trace. No hops: nothing is known.
type traced struct{ hops []netip.Addr }

func (e traced) apply(c *core, now time.Time) {
	p := &c.probes
	p.done()
	p.hopsAt = now.Add(probeAgain)
	if len(e.hops) > 0 {
		p.hops, p.hopsSeen, p.hopsAt = e.hops, now, now.Add(probeEvery)
	}
}

// tracing says whether the routers on the way are about to be found out.
func (c *core) tracing() bool { return c.cfg.Trace != nil && c.online() && c.probes.hopsAt.IsZero() }
