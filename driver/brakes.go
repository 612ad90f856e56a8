package driver

import (
	"net/netip"
	"sync"
	"time"
)

// The answer to a wrong login waits, twice as long for each further one from
// the same origin: it makes guessing slow, and hides what is left of differences
// in time. Right ones never wait.
const (
	firstPause   = time.Second
	longestPause = 8 * time.Second
	// pauseMemory is how long after the last wrong login the next one counts as
	// the first again.
	pauseMemory = 10 * time.Minute
	// maxBraked is how many origins are remembered: a few megabytes.
	maxBraked = 1 << 14
)

// brakes know how long each origin has to wait.
type brakes struct {
	mu    sync.Mutex
	known recent[braked]
}

type braked struct {
	pause time.Duration
	last  time.Time
}

func newBrakes() *brakes { return &brakes{known: newRecent[braked](maxBraked)} }

// failed returns how long the answer to a wrong login has to wait.
func (b *brakes) failed(origin netip.Addr, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.known.touch(origin)
	if o.pause == 0 || now.Sub(o.last) >= pauseMemory {
		o.pause = firstPause
	} else {
		o.pause = min(2*o.pause, longestPause)
	}
	o.last = now
	return o.pause
}

// succeeded lets go.
func (b *brakes) succeeded(origin netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known.forget(origin)
}
