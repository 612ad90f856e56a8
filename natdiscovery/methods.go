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
	// outOfFavour is how long a method that opened nothing is tried after the
	// others only. A gateway that refuses by its configuration (PCP's NOT_AUTHORIZED,
	// RFC 6887, section 7.4; NAT-PMP's code 2, RFC 6886, section 3.5) will for long.
	outOfFavour = 30 * time.Minute
	// company is how long the methods wait for each other once one has found a
	// gateway: the preferred one is not always the first to answer, and PCP's first
	// request may be lost, whose second follows after 250 ms.
	company = 600 * time.Millisecond
)

// methodState is what is known of one way to ask a gateway.
type methodState struct {
	method  gateway.Method
	problem string    // why it is not in use; "": it is, or it would serve as well
	tried   time.Time // when it was last searched for
	until   time.Time // out of favour until then
}

func newMethods(cfg Config) []methodState {
	list := make([]methodState, len(cfg.Methods))
	for i, m := range cfg.Methods {
		list[i].method = m
	}
	return list
}

// found takes in what came of a search.
func (s *methodState) found(f finding, now time.Time) {
	s.tried = now
	switch {
	case f.err != nil:
		s.problem = f.err.Error()
	case !now.Before(s.until):
		s.problem = ""
	}
}

// serves is called when the method has opened a port.
func (s *methodState) serves() { s.problem, s.until = "", time.Time{} }

// method finds the state of m.
func (c *core) method(m gateway.Method) *methodState {
	i := slices.IndexFunc(c.methods, func(s methodState) bool { return s.method == m })
	if i < 0 {
		return &methodState{}
	}
	return &c.methods[i]
}

// preferred are the methods in the order of the operator's preference, those out
// of favour last.
func (c *core) preferred(now time.Time) []gateway.Method {
	var first, last []gateway.Method
	for _, s := range c.methods {
		if now.Before(s.until) {
			last = append(last, s.method)
		} else {
			first = append(first, s.method)
		}
	}
	return append(first, last...)
}

// fallBack puts the method in use out of favour, because it opened nothing, and
// looks for another. It does nothing when there is none to look for.
func (c *core) fallBack(now time.Time, why error) bool {
	g := &c.gw
	if g.opened || now.Before(c.method(g.method).until) {
		return false
	}
	refused := []gateway.Method{g.method}
	if g.method == gateway.PCP {
		// A gateway that speaks PCP answers NAT-PMP by the same rules (RFC 6887,
		// appendix A). miniupnpd 2.3.1 even tries every port after a refused
		// request, and answers nobody for minutes.
		refused = append(refused, gateway.NATPMP)
	}
	others := slices.DeleteFunc(c.preferred(now), func(m gateway.Method) bool {
		return slices.Contains(refused, m) || now.Before(c.method(m).until)
	})
	if len(others) == 0 {
		return false
	}
	for _, m := range refused {
		s := c.method(m)
		s.until, s.problem = now.Add(outOfFavour), why.Error()
	}
	g.found, g.searches, g.at = false, 0, now
	return true
}

// discover looks for a gateway by several methods at once, the preferred one
// first in the list.
type discover struct {
	network Network
	methods []gateway.Method
}

// finding is what came of one method.
type finding struct {
	method gateway.Method
	client gateway.Client
	device gateway.Device
	local  netip.Addr
	err    error
}

// errNotAwaited is why a method is not in use that others were quicker than.
var errNotAwaited = errors.New("others answered sooner")

func (a discover) do(ctx context.Context, cfg Config) event { return a.find(ctx, cfg) }

func (a discover) find(ctx context.Context, cfg Config) discovered {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	findings := make([]finding, len(a.methods))
	done := make(chan bool, len(a.methods))
	for i, m := range a.methods {
		go func() {
			findings[i] = find(ctx, cfg, a.network, m)
			done <- findings[i].err == nil
		}()
	}
	var enough <-chan time.Time
	for waiting := len(a.methods); waiting > 0; {
		select {
		case found := <-done:
			waiting--
			if found && enough == nil {
				enough = time.After(company)
			}
		case <-enough:
			cancel() // those still under way end soon, and are waited for
			enough = nil
		}
	}
	return discovered{a.network, findings}
}

func find(ctx context.Context, cfg Config, n Network, m gateway.Method) finding {
	client, err := cfg.Discover(ctx, n, m)
	if err != nil {
		cfg.Log.Debug("discover", "method", m, "router", n.Router, "error", err)
		if ctx.Err() == context.Canceled {
			err = errNotAwaited
		}
		return finding{method: m, err: err}
	}
	f := finding{m, client, client.Device(), client.Local(), nil}
	cfg.Log.Debug("discover", "method", m, "gateway", f.device.Address, "service", f.device.Service)
	return f
}
