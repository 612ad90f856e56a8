package data

import (
	"testing"
	"time"
)

func TestTheTempoFollowsTheLine(t *testing.T) {
	for _, c := range []struct {
		name        string
		perSecond   float64
		least, most int64
	}{
		{"a fast line gets whole chunks", 1e9, chunk, chunk},
		{"a home's line is looked at about twice a second", 2e6, 500_000, 2_000_000},
		{"a slow one too", 300e3, 75_000, 300_000},
		{"the slowest gets no less than is worth a call", 1e3, leastChunk, leastChunk},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tempo tempo
			now := time.Now()
			var n int64
			for range 10 {
				n = tempo.next(now, nil)
				now = now.Add(time.Duration(float64(n) / c.perSecond * float64(time.Second)))
			}
			if n < c.least || n > c.most {
				t.Errorf("%d bytes at once, want %d to %d", n, c.least, c.most)
			}
		})
	}
}
