package lines_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/server/lines"
)

// writes are the calls that reach the other writer.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (w *writes) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.all, want) {
		t.Errorf("written: %q, want %q", w.all, want)
	}
	w.all = nil
}

func TestLinesThatComeCloselyAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		w := lines.NewWriter(&got)
		say := func(line string) { fmt.Fprintln(w, line) }

		say("after a pause")
		got.want(t, "after a pause\n")
		say("a moment later")
		time.Sleep(9 * time.Millisecond)
		say("another")
		got.want(t)
		time.Sleep(time.Millisecond)
		got.want(t, "a moment later\nanother\n")

		say("right behind")
		got.want(t)
		time.Sleep(10 * time.Millisecond)
		got.want(t, "right behind\n")
		time.Sleep(10 * time.Millisecond)
		say("after a pause again")
		got.want(t, "after a pause again\n")
	})
}

func TestFlushWritesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		w := lines.NewWriter(&got)
		for _, line := range []string{"a\n", "b\n", "c\n"} {
			w.Write([]byte(line))
		}
		w.Flush()
		got.want(t, "a\n", "b\nc\n")
		w.Flush()
		time.Sleep(time.Second)
		got.want(t)
	})
}

func TestNoMoreWaitsThanAPipeTakesInOnePiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		w := lines.NewWriter(&got)
		line, long := strings.Repeat("x", 1023)+"\n", strings.Repeat("y", 9999)+"\n"
		for range 6 {
			w.Write([]byte(line))
		}
		w.Write([]byte(long))
		w.Write([]byte(line))
		time.Sleep(time.Second)
		got.want(t, line, strings.Repeat(line, 4), line, long, line)
	})
}

// broken takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestAnErrorIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := lines.NewWriter(broken{})
		if _, err := w.Write([]byte("at once\n")); err == nil {
			t.Error("the line that was not written has no error")
		}
		if _, err := w.Write([]byte("waits\n")); err != nil {
			t.Errorf("the line that waits: %v", err)
		}
		if w.Flush() == nil {
			t.Error("the line that waited has no error")
		}
		if err := w.Flush(); err != nil {
			t.Errorf("nothing waits: %v", err)
		}
	})
}
