package data

import (
	"math"
	"testing"
	"time"
)

func TestWhichPathsAreShort(t *testing.T) {
	for _, c := range []struct {
		name string
		rtt  time.Duration
		want bool
	}{
		{"this host", 20 * time.Microsecond, true},
		{"a wired LAN", 300 * time.Microsecond, true},
		{"a wireless one", 2 * time.Millisecond, false},
		{"an access line", 15 * time.Millisecond, false},
		{"not known", math.MaxUint32 * time.Microsecond, false},
		{"not told by the kernel", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := isShort(c.rtt); got != c.want {
				t.Errorf("short: %t, want %t", got, c.want)
			}
		})
	}
}
