package data

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

// paced moves steps through a connection's pace for as long as span, and returns
// how many bytes that were.
func paced(l *rate.Limiter, span time.Duration) int64 {
	c := &Conn{aborted: make(chan struct{})}
	var total int64
	for end := time.Now().Add(span); time.Now().Before(end); {
		n := step(l)
		c.wait(l, n)
		total += n
	}
	return total
}

func TestAPaceIsKept(t *testing.T) {
	const span = 10 * time.Second
	for name, c := range map[string]struct{ perSecond, burst int }{
		"slow":                            {20 << 10, 20 << 10},
		"at home":                         {5 << 20, 5 << 20},
		"fast":                            {2 << 30, 2 << 30},
		"a burst that is below a step":    {5 << 20, 1000},
		"a burst of several seconds' use": {1 << 20, 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := rate.NewLimiter(rate.Limit(c.perSecond), c.burst)
				got := paced(l, span)
				want := int64(c.perSecond)*int64(span.Seconds()) + int64(c.burst)
				if got < want*98/100 || got > want+2*step(l) {
					t.Errorf("%d bytes in %s, want %d", got, span, want)
				}
			})
		})
	}
}

func TestTransfersOfOneUserShareAPaceFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := rate.NewLimiter(1<<20, 1<<20)
		var got [3]int64
		for i := range got {
			go func() { got[i] = paced(l, time.Minute) }()
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, n := range got {
			if fair := int64(60 << 20 / len(got)); n < fair*9/10 || n > fair*11/10 {
				t.Errorf("shares of %d bytes, want about %d each", got, fair)
			}
		}
	})
}

func TestNoPaceIsNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := &Conn{aborted: make(chan struct{})}
		for _, l := range []*rate.Limiter{nil, rate.NewLimiter(rate.Inf, 0), rate.NewLimiter(rate.Inf, 1)} {
			c.wait(l, 1<<40)
		}
		if spent := time.Since(begun); spent != 0 {
			t.Errorf("waited %s", spent)
		}
	})
}

func TestAbortEndsTheWaitForThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := NewConn(new(net.TCPConn), nil, time.Second, Pace{})
		time.AfterFunc(time.Minute, c.Abort)
		if err := c.wait(rate.NewLimiter(1, 1<<10), 1<<20); err != ErrAborted {
			t.Errorf("got %v, want ErrAborted", err)
		}
		if spent := time.Since(begun); spent != time.Minute {
			t.Errorf("waited %s, want until the abort", spent)
		}
	})
}
