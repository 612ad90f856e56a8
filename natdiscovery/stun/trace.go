package stun

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// farthest is how many hops are looked at: our router, a second one at home,
	// and the provider's.
	farthest = 3
	// tries is how often a hop is asked.
	tries = 2
)

// hop is who answered a request that may go so many hops and no farther.
type hop struct {
	// router is who stopped it. The zero Addr: nobody said so.
	router netip.Addr
	// arrived says that it came to the server.
	arrived bool
}

// Trace tells the addresses of the first routers, three at most, on the way to the
// first server whose name is resolved, ours first; the zero Addr stands for one that
// is silent. There are fewer when the others are silent or the server is nearer,
// and none without an error where this system can't tell (Linux can).
//
// It asks the server with requests whose time to live ends at each hop, and the router
// there says so (ICMP time exceeded, RFC 792; RFC 1812, section 5.3.1). A router
// answers with one of its addresses, most often that on our side: a hint at the
// network before it, not proof. No right is needed for it. At most six packets are
// sent. It takes half of Config.Timeout, and the resolution of a name.
func Trace(ctx context.Context, cfg Config) ([]netip.Addr, error) {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, 2*cfg.Timeout)
	defer cancel()
	server, err := cfg.firstResolved(ctx)
	if err != nil {
		return nil, fmt.Errorf("trace the way to the internet: %w", err)
	}
	var all sync.WaitGroup
	hops, failures := make([]hop, farthest), make([]error, farthest)
	for i := range hops {
		all.Go(func() { hops[i], failures[i] = askHop(ctx, server, i+1, cfg.Timeout/timeoutRTOs) })
	}
	all.Wait()
	routers := routersOf(hops)
	err = errors.Join(failures...)
	if len(routers) > 0 || err == nil || errors.Is(err, errors.ErrUnsupported) {
		return routers, nil
	}
	return nil, fmt.Errorf("trace the way to STUN server %v: %w", server, failures[0])
}

// firstResolved is the address of the first server that has one.
func (c Config) firstResolved(ctx context.Context) (server netip.AddrPort, err error) {
	err = errors.New("there is no STUN server to ask")
	for _, name := range c.Servers {
		if server, err = c.resolve(ctx, name); err == nil {
			return server, nil
		}
	}
	return netip.AddrPort{}, err
}

// routersOf are the routers before the server, without the silent ones at the end.
func routersOf(hops []hop) []netip.Addr {
	if end := slices.IndexFunc(hops, func(h hop) bool { return h.arrived }); end >= 0 {
		hops = hops[:end]
	}
	var routers []netip.Addr
	for i, h := range hops {
		if h.router.IsValid() {
			routers = append(routers, make([]netip.Addr, i-len(routers))...)
			routers = append(routers, h.router)
		}
	}
	return routers
}

// askHop asks the server with a request that goes ttl hops, and once more when
// nobody says what became of it.
func askHop(ctx context.Context, server netip.AddrPort, ttl int, rto time.Duration) (hop, error) {
	request, err := bindingRequest()
	if err != nil {
		return hop{}, err
	}
	conn, err := dialHop(server, ttl)
	if err != nil {
		return hop{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	for _, wait := range waits[:tries] {
		// An error is that of the request before: its hop is read below.
		_, sending := conn.Write(request.Raw)
		if err := conn.SetReadDeadline(time.Now().Add(wait * rto)); err != nil {
			return hop{}, err
		}
		h, heard := conn.hear(request)
		switch {
		case heard:
			return h, nil
		case ctx.Err() != nil:
			return hop{}, ctx.Err()
		}
		err = sending
	}
	return hop{}, err
}
