package control

import (
	"context"
	"net/netip"
	"sync"
)

// perAddress lets each address do something costly only so many times at once;
// the next ones wait, and keep nobody else waiting.
type perAddress struct {
	each int

	mu    sync.Mutex
	lanes map[netip.Addr]*lane
}

// lane is one address's share.
type lane struct {
	slots chan struct{}
	users int // who have or want a slot; guarded by perAddress.mu
}

func newPerAddress(each int) *perAddress {
	return &perAddress{each: each, lanes: make(map[netip.Addr]*lane)}
}

// enter waits for a slot as long as ctx lasts. Who gets one calls leave.
func (p *perAddress) enter(ctx context.Context, addr netip.Addr) (leave func(), err error) {
	l := p.join(addr)
	select {
	case l.slots <- struct{}{}:
		return func() { <-l.slots; p.part(addr, l) }, nil
	case <-ctx.Done():
		p.part(addr, l)
		return nil, context.Cause(ctx)
	}
}

func (p *perAddress) join(addr netip.Addr) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lanes[addr]
	if l == nil {
		l = &lane{slots: make(chan struct{}, p.each)}
		p.lanes[addr] = l
	}
	l.users++
	return l
}

func (p *perAddress) part(addr netip.Addr, l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(p.lanes, addr)
	}
}
