package driver

import (
	"net/netip"
	"time"
)

// maxArrivals is how many origins the arrivals remember: some megabytes. More
// come only when somebody floods us from as many networks, and then it is the
// bound of all sessions that holds.
const maxArrivals = 1 << 14

// arrivals bound how many sessions may begin in a second from one origin: a
// token bucket that holds one second's worth, so that a client which opens all
// its connections at once is served.
type arrivals struct {
	// filled is when the bucket of an origin is full again.
	filled recent[time.Time]
}

func newArrivals() arrivals { return arrivals{newRecent[time.Time](maxArrivals)} }

// allow takes a token. Who gets none waits no longer for having asked.
func (a *arrivals) allow(origin netip.Addr, perSecond int, now time.Time) bool {
	if perSecond <= 0 {
		return true
	}
	filled := a.filled.touch(origin)
	if filled.Before(now) {
		*filled = now
	}
	next := filled.Add(time.Second / time.Duration(perSecond))
	if next.Sub(now) > time.Second {
		return false
	}
	*filled = next
	return true
}
