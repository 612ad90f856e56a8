package natdiscovery

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// router is a gateway that exists in memory only.
type router struct {
	clock    func() time.Time
	device   gateway.Device
	method   gateway.Method
	external netip.Addr // the zero Addr: ErrNoWAN
	off      bool
	boot     int           // clients of an earlier boot are told ErrGone
	lease    time.Duration // what it grants at most; 0: what is asked
	table    map[uint16]entry
	deny     func(what string, port uint16) error // nil error: as usual
	forgot   time.Time                            // when it noticed that it had lost its table
	asked    []request
	firewall firewall
}

type entry struct {
	internal netip.AddrPort
	expires  time.Time
}

// request is what the router was asked: what is "address", "map", "check" or
// "unmap"; cost how many requests a method makes of it.
type request struct {
	at   time.Time
	what string
	port uint16
	cost int
}

func newRouter(clock func() time.Time) *router {
	return &router{clock: clock, method: gateway.UPnP, external: wanA, table: map[uint16]entry{}, firewall: firewall{holes: map[string]gateway.Pinhole{}},
		device: gateway.Device{Address: netip.MustParseAddr("192.168.77.1"), Model: "Fake 1", ID: "uuid:1"}}
}

// speaks is another method of the same router, which shares its table.
func (r *router) speaks(m gateway.Method) *router {
	other := newRouter(r.clock)
	other.method, other.table, other.firewall.holes = m, r.table, r.firewall.holes
	return other
}

func (r *router) discover(local netip.Addr) (gateway.Client, error) {
	if r.off {
		return nil, gateway.ErrNotFound
	}
	return &client{r, r.boot, local}, nil
}

// reboot empties the table.
func (r *router) reboot() {
	r.boot++
	clear(r.table)
}

// lists are the ports that the router forwards to local, as ranges.
func (r *router) lists(local netip.Addr) string {
	var ports []uint16
	for port, e := range r.table {
		if e.internal.Addr() == local && r.live(e) {
			ports = append(ports, port)
		}
	}
	slices.Sort(ports)
	return ranges(ports)
}

func (r *router) live(e entry) bool { return e.expires.IsZero() || e.expires.After(r.clock()) }

func (r *router) find(port uint16) (entry, bool) {
	e, ok := r.table[port]
	return e, ok && r.live(e)
}

// client is a gateway.Client of the router.
type client struct {
	r     *router
	boot  int
	where netip.Addr
}

func (c *client) Method() gateway.Method { return c.r.method }
func (c *client) Device() gateway.Device { return c.r.device }
func (c *client) Local() netip.Addr      { return c.where }

// Forgot makes every fake client a gateway.Forgetful.
func (c *client) Forgot() time.Time { return c.r.forgot }

// ask counts a request and says whether it is answered.
func (c *client) ask(what string, port uint16, cost int) error {
	c.r.asked = append(c.r.asked, request{c.r.clock(), what, port, cost})
	if c.r.off || c.boot != c.r.boot {
		return fmt.Errorf("%s %d: %w", what, port, gateway.ErrGone)
	}
	if c.r.deny != nil {
		if err := c.r.deny(what, port); err != nil {
			return fmt.Errorf("%s %d: %w", what, port, err)
		}
	}
	return nil
}

func (c *client) ExternalAddress(context.Context) (netip.Addr, error) {
	if err := c.ask("address", 0, 1); err != nil {
		return netip.Addr{}, err
	}
	if !c.r.external.IsValid() {
		return netip.Addr{}, gateway.ErrNoWAN
	}
	return c.r.external, nil
}

func (c *client) Map(_ context.Context, q gateway.Request) (gateway.Mapping, error) {
	cost := 1
	if c.r.method == gateway.UPnP {
		cost = 3 // a look, the request, a look
	}
	if err := c.ask("map", q.External, cost); err != nil {
		return gateway.Mapping{}, err
	}
	if e, ok := c.r.find(q.External); ok && e.internal != q.Internal {
		return gateway.Mapping{}, fmt.Errorf("map %d: %w", q.External, gateway.ErrConflict)
	}
	granted := q.Lease
	if c.r.lease != 0 {
		granted = min(granted, c.r.lease)
	}
	m := gateway.Mapping{Request: q, Granted: c.r.clock(), Lifetime: granted}
	c.r.table[q.External] = entry{q.Internal, m.Expires()}
	return m, nil
}

func (c *client) Check(_ context.Context, m gateway.Mapping) error {
	if err := c.ask("check", m.External, 1); err != nil {
		return err
	}
	switch e, ok := c.r.find(m.External); {
	case !ok:
		return gateway.ErrNotMapped
	case e.internal != m.Internal:
		return gateway.ErrConflict
	}
	return nil
}

func (c *client) Unmap(_ context.Context, m gateway.Mapping) error {
	if err := c.ask("unmap", m.External, 2); err != nil {
		return err
	}
	if c.r.method != gateway.UPnP && m.Internal.Addr() != c.where {
		return fmt.Errorf("unmap %d: %w: it leads to another host", m.External, gateway.ErrRefused)
	}
	if e, ok := c.r.find(m.External); ok && e.internal == m.Internal {
		delete(c.r.table, m.External)
	}
	return nil
}

// busiest is the most requests in any minute from a time on.
func (r *router) busiest(from time.Time) int {
	most := 0
	for i, first := range r.asked {
		if first.at.Before(from) {
			continue
		}
		sum := 0
		for _, q := range r.asked[i:] {
			if q.at.Sub(first.at) >= time.Minute {
				break
			}
			sum += q.cost
		}
		most = max(most, sum)
	}
	return most
}

// count is how often the router was asked something from a time on.
func (r *router) count(what string, from time.Time) int {
	n := 0
	for _, q := range r.asked {
		if q.what == what && !q.at.Before(from) {
			n++
		}
	}
	return n
}
