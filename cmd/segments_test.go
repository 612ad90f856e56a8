package cmd

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestSegmentsFollowThePathMTU(t *testing.T) {
	for mtu, want := range map[int]int{0: 0, 1500: 0, 9000: 0, 1492: 1432, 1400: 1340} {
		if got := segmentSize(mtu); got != want {
			t.Errorf("path MTU %d: got segments of %d, want %d", mtu, got, want)
		}
	}
}

func TestSegmentsAreLimitedOnceForEachChange(t *testing.T) {
	var set []int
	var log strings.Builder
	s := &segments{log: slog.New(slog.NewTextHandler(&log, nil)), limit: func(size int) error {
		set = append(set, size)
		if size == 1 {
			return errors.New("not here")
		}
		return nil
	}}
	for _, size := range []int{0, 1432, 1432, 0, 1} {
		s.set(size)
	}
	if len(set) != 3 || set[0] != 1432 || set[1] != 0 || set[2] != 1 {
		t.Errorf("limits set: %v", set)
	}
	if !strings.Contains(log.String(), "large transfers may hang") {
		t.Errorf("the failure is not told: %s", log.String())
	}
}
