package gateway

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestRenewAtLiesBetweenHalfAndFiveEighths(t *testing.T) {
	granted := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name     string
		lifetime time.Duration
		rnd      float64
		want     time.Duration
	}{
		{"the earliest", 7200 * time.Second, 0, 3600 * time.Second},
		{"in the middle", 7200 * time.Second, 0.5, 4050 * time.Second},
		{"close to the latest", 8 * time.Second, math.Nextafter(1, 0), 5 * time.Second},
		{"the shortest", time.Second, 0.5, 562500 * time.Microsecond},
		{"the longest that the protocols know", math.MaxUint32 * time.Second, 0, math.MaxUint32 * time.Second / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := RenewAt(granted, c.lifetime, c.rnd).Sub(granted)
			if (got - c.want).Abs() > time.Microsecond {
				t.Errorf("renewed after %v, want %v", got, c.want)
			}
		})
	}
	if got := RenewAt(granted, 0, 0.5); !got.IsZero() {
		t.Errorf("a mapping that never ends is renewed at %v", got)
	}
}

func TestBehindNATIsARefusal(t *testing.T) {
	if !errors.Is(ErrBehindNAT, ErrRefused) {
		t.Error("ErrBehindNAT is no ErrRefused, want one: nothing else is to be done about it")
	}
}
