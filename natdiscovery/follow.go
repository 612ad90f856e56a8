package natdiscovery

import (
	"context"
	"net/netip"
	"sync"
)

// follower runs one thing at a time for what it follows, such as a watch of the
// gateway in use.
type follower[K comparable] struct {
	running *sync.WaitGroup
	run     func(ctx context.Context, key K)

	key  K
	stop context.CancelFunc
}

// follow ends what runs for another key and starts it for this one. The zero key:
// nothing runs.
func (f *follower[K]) follow(ctx context.Context, key K) {
	if key == f.key {
		return
	}
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	var none K
	if f.key = key; key == none {
		return
	}
	ctx, f.stop = context.WithCancel(ctx)
	f.running.Go(func() { f.run(ctx, key) })
}

// place is where announcements are to be heard, and from whom.
type place struct {
	Interface string
	Router    netip.Addr
}

// listening is where the core wants to hear announcements.
func (c *core) listening() place {
	if c.cfg.Announcements == nil || len(c.cfg.Methods) == 0 || !c.network.Router.IsValid() {
		return place{}
	}
	return place{c.network.Interface, c.network.Router}
}
