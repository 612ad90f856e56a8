package natpmp

import (
	"testing"
	"time"
)

func TestEpochTellsWhenMappingsWereLost(t *testing.T) {
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name  string
		first uint32
		after time.Duration
		then  uint32
		lost  bool
	}{
		{"grows with the time", 1000, time.Hour, 4600, false},
		{"grows faster than the time", 1000, time.Hour, 9999, false},
		{"lags by an eighth", 1000, 800 * time.Second, 1700, false},
		{"lags by an eighth and two seconds", 1000, 800 * time.Second, 1698, false},
		{"lags by more", 1000, 800 * time.Second, 1697, true},
		{"stands still for two seconds", 1000, 2 * time.Second, 1000, false},
		{"goes back by two seconds at once", 1000, 0, 998, false},
		{"goes back by three seconds at once", 1000, 0, 997, true},
		{"began anew", 1000, time.Minute, 3, true},
		{"began anew long ago", 1 << 31, 30 * 24 * time.Hour, 86400, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := began.Add(c.after)
			e := epoch{}.next(c.first, began)
			if !e.lost.IsZero() {
				t.Fatal("the first epoch heard counts as a loss")
			}
			e = e.next(c.then, now)
			if got := e.lost.Equal(now); got != c.lost {
				t.Errorf("lost: got %v, want %v", got, c.lost)
			}
			if again := e.next(c.then+60, now.Add(time.Minute)); again.lost != e.lost {
				t.Errorf("a loss at %v is noticed again at %v", e.lost, again.lost)
			}
		})
	}
}
