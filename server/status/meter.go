package status

import (
	"context"
	"sync"
	"time"

	"natftpd/driver"
)

const (
	// bucket is what one column of the throughput's chart stands for, buckets how
	// many there are: ten minutes.
	bucket  = 10 * time.Second
	buckets = 60
	// glance is how often is counted while somebody looks on, or asks.
	glance = time.Second
	// smoothing is the weight of the latest second in a transfer's speed.
	smoothing = 0.3
)

// meter knows how fast everything moves. It counts while something moves, and
// sleeps otherwise: what begins to move wakes it.
type meter struct {
	sessions *driver.Sessions

	mu             sync.Mutex
	at             time.Time // of the latest count
	sent, received int64     // then
	columns        [buckets]column
	speeds         map[*driver.Activity]speed
}

// column is what moved in one bucket.
type column struct {
	number         int64 // of the bucket, since 1970
	sent, received int64
}

// speed is that of one transfer.
type speed struct {
	at        time.Time
	moved     int64
	perSecond float64
}

func newMeter(sessions *driver.Sessions) *meter {
	return &meter{sessions: sessions, speeds: make(map[*driver.Activity]speed)}
}

// run counts until ctx ends: a while after something has begun to move, not at once,
// since with many small files something begins all the time.
func (m *meter) run(ctx context.Context) {
	for {
		select {
		case <-m.sessions.Stirred():
		case <-ctx.Done():
			return
		}
		for moving := true; moving; {
			select {
			case <-time.After(bucket / 2):
				moving = m.count(time.Now())
			case <-ctx.Done():
				return
			}
		}
	}
}

// count takes in what has moved since the last time, and tells whether anything
// still moves.
func (m *meter) count(now time.Time) (moving bool) {
	sent, received := m.sessions.Moved()
	all := m.sessions.All()
	m.mu.Lock()
	defer m.mu.Unlock()
	number := now.UnixNano() / int64(bucket)
	c := &m.columns[number%buckets]
	if c.number != number {
		*c = column{number: number}
	}
	c.sent += max(0, sent-m.sent)
	c.received += max(0, received-m.received)
	m.at, m.sent, m.received = now, max(m.sent, sent), max(m.received, received)

	speeds := make(map[*driver.Activity]speed)
	for _, s := range all {
		if a := s.Activity(); a != nil {
			speeds[a] = m.speeds[a].next(a, now)
		}
	}
	m.speeds = speeds
	return len(speeds) > 0
}

// next is the speed after a further look at a transfer. The first one is its mean.
func (s speed) next(a *driver.Activity, now time.Time) speed {
	moved := a.Flow.Sent() + a.Flow.Received()
	if s.at.IsZero() {
		s.perSecond = perSecond(moved, now.Sub(a.Since))
		return speed{now, moved, s.perSecond}
	}
	span := now.Sub(s.at)
	if span < glance/2 {
		return s
	}
	latest := perSecond(moved-s.moved, span)
	weight := 1.0
	if span < bucket/2 {
		weight = smoothing
	}
	return speed{now, moved, s.perSecond + weight*(latest-s.perSecond)}
}

func perSecond(bytes int64, span time.Duration) float64 {
	if span <= 0 {
		return 0
	}
	return float64(bytes) / span.Seconds()
}

// of is the speed of a transfer in bytes a second, as last counted.
func (m *meter) of(a *driver.Activity) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(m.speeds[a].perSecond)
}

// throughput is that of the last ten minutes, the oldest column first.
func (m *meter) throughput(now time.Time) Throughput {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := Throughput{Seconds: int(bucket / time.Second), Sent: make([]int64, buckets), Received: make([]int64, buckets)}
	last := now.UnixNano() / int64(bucket)
	for i := range buckets {
		number := last - int64(buckets-1-i)
		if c := m.columns[number%buckets]; c.number == number {
			span := min(bucket, max(time.Second, time.Duration(now.UnixNano()-number*int64(bucket)))) // the latest is not over yet
			t.Sent[i] = int64(perSecond(c.sent, span))
			t.Received[i] = int64(perSecond(c.received, span))
		}
	}
	return t
}
