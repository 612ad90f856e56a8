package data

import (
	"time"

	"golang.org/x/time/rate"
)

const (
	// firstChunk is what the kernel copies at first.
	firstChunk = 512 << 10
	// leastChunk is what it copies on the slowest line.
	leastChunk = 64 << 10
	// moment is how long one copy should take.
	moment = 500 * time.Millisecond
)

// tempo finds how much to leave to the kernel at once: what moves in a moment, so
// that the counters follow and somebody can look on, and on a fast line a chunk.
type tempo struct {
	size  int64
	begun time.Time // the latest copy
}

// next is how many bytes to move in the next step, as the pace allows.
func (t *tempo) next(now time.Time, pace *rate.Limiter) int64 {
	switch took := now.Sub(t.begun); {
	case t.size == 0:
		t.size = firstChunk
	case took < moment/2:
		t.size = min(2*t.size, chunk)
	case took > 2*moment:
		t.size = max(t.size/2, leastChunk)
	}
	t.begun = now
	return min(t.size, step(pace))
}
