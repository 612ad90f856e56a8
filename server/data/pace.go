package data

import (
	"time"

	"golang.org/x/time/rate"
)

// Pace bounds how many bytes a second go in each direction; nil: no bound.
// Transfers that share a limiter share its rate fairly: each moves a step, then
// waits its turn. The burst, in bytes, is how much an idle limiter lets pass at
// full speed.
type Pace struct {
	Down, Up *rate.Limiter
}

const (
	// stride is how long a step takes at the bounded rate: short beside any
	// time-out and smooth enough to look at, long beside a system call.
	stride = 100 * time.Millisecond
	// leastStep is the smallest step, some segments.
	leastStep = 4 << 10
)

func unbounded(l *rate.Limiter) bool { return l == nil || l.Limit() == rate.Inf }

// step is how many bytes to move before waiting.
func step(l *rate.Limiter) int64 {
	if unbounded(l) {
		return chunk
	}
	return int64(min(max(float64(l.Limit())*stride.Seconds(), leastStep), chunk))
}

// wait pays for n bytes that have moved and waits until they are due, or until
// Abort. Paying afterwards costs small files no more than what they hold.
func (c *Conn) wait(l *rate.Limiter, n int64) error {
	if unbounded(l) || n <= 0 {
		return nil
	}
	due := pay(l, time.Now(), n)
	if due <= 0 {
		return nil
	}
	timer := time.NewTimer(due)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.aborted:
		return c.Err()
	}
}

// pay takes n bytes out of l, which gives its burst at once at the most, and
// returns how long to wait for them.
func pay(l *rate.Limiter, now time.Time, n int64) (due time.Duration) {
	for burst := int64(l.Burst()); n > 0 && burst > 0; n -= burst {
		if r := l.ReserveN(now, int(min(n, burst))); r.OK() {
			due = r.DelayFrom(now)
		}
	}
	return due
}
