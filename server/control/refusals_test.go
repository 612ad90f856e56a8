package control

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFloodOfRefusalsIsAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log page
		r := newRefusals(slog.New(slog.NewTextHandler(&log, nil)))
		defer r.close()
		one := netip.MustParseAddr("192.0.2.1")

		for range 2000 {
			r.add(one, "refused", "too fast")
		}
		if got := log.turn(); len(got) != 1 || !strings.Contains(got[0], `client=192.0.2.1 reason="too fast"`) {
			t.Errorf("at first: got %q", got)
		}
		time.Sleep(refusalSpan)
		synctest.Wait()
		if got := log.turn(); len(got) != 1 || !strings.Contains(got[0], "times=1999 in=1m0s") {
			t.Errorf("after a minute: got %q", got)
		}
		time.Sleep(refusalSpan)
		synctest.Wait()
		r.mu.Lock()
		if len(r.open) != 0 {
			t.Errorf("%d addresses are kept that nobody comes from", len(r.open))
		}
		r.mu.Unlock()

		for i := range 10_000 {
			r.add(netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", i>>8, i&0xff)), "refused", "too fast")
		}
		if got := log.turn(); len(got) != maxRefused+1 || !strings.Contains(got[maxRefused], "client=several") {
			t.Errorf("from everywhere: %d lines, the last %q", len(got), got[len(got)-1])
		}
		time.Sleep(refusalSpan)
		synctest.Wait()
		if got := log.turn(); len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf("client=several reason=\"too fast\" times=%d", 10_000-maxRefused-1)) {
			t.Errorf("after a minute: got %q", got)
		}
	})
}

// page holds the lines of a log until it is turned.
type page struct {
	mu    sync.Mutex
	lines []string
}

func (p *page) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, string(line))
	return len(line), nil
}

func (p *page) turn() (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines, p.lines = p.lines, nil
	return lines
}
