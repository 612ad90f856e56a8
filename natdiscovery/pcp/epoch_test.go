package pcp

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
		{"goes back by one second", 1000, 0, 999, false},
		{"goes back by two seconds", 1000, 0, 998, true},
		{"is two seconds behind", 1000, 3 * time.Second, 1001, false},
		{"is a sixteenth and two seconds behind", 1000, 1600 * time.Second, 2498, false},
		{"is further behind", 1000, 1600 * time.Second, 2497, true},
		{"is two seconds ahead", 1000, time.Second, 1003, false},
		{"is a sixteenth and two seconds ahead", 1000, 1498 * time.Second, 2600, false},
		{"is further ahead: this host slept, or it is another gateway", 1000, 1497 * time.Second, 2600, true},
		{"began anew", 1000, time.Minute, 3, true},
		{"the highest", 0, 1 << 32 * time.Second, 1<<32 - 1, false},
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
		})
	}
	e := epoch{}.next(1000, began).next(3, began.Add(time.Minute))
	if again := e.next(63, began.Add(2*time.Minute)); again.lost != e.lost {
		t.Errorf("a loss at %v is noticed again at %v", e.lost, again.lost)
	}
}
