package data

import (
	"sync/atomic"
	"time"
)

// rest is how long a port is unused until somebody watches at its door.
const rest = 250 * time.Millisecond

// rounds go on while there are doors at which nobody watches.
type rounds struct {
	due   *time.Timer
	going atomic.Bool
}

// arm has a round made after a while.
func (r *rounds) arm() {
	if !r.going.Load() && r.going.CompareAndSwap(false, true) {
		r.due.Reset(rest)
	}
}

// round has the doors watched of the ports that were not used since the last one.
func (p *Ports) round() {
	p.rounds.going.Store(false)
	select {
	case <-p.closed:
		return
	default:
	}
	again := false
	for _, one := range p.now.Load().ports {
		one.mu.Lock()
		if !one.used && !one.door.watched {
			one.watch()
		}
		one.used = false
		again = again || !one.door.watched
		one.mu.Unlock()
	}
	if again {
		p.rounds.arm()
	}
}
