package lines_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/server/lines"
)

// writes are the calls of write, each with its lines.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) write(lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, strings.Join(lines, " "))
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
		l := lines.New(got.write)
		l.Add("first")
		got.want(t, "first")
		l.Add("close")
		time.Sleep(9 * time.Millisecond)
		l.Add("behind")
		got.want(t)
		time.Sleep(time.Millisecond)
		got.want(t, "close behind")

		l.Add("again")
		got.want(t)
		time.Sleep(10 * time.Millisecond)
		got.want(t, "again")
		time.Sleep(10 * time.Millisecond)
		l.Add("later")
		got.want(t, "later")
	})
}

func TestALineThatIsUrgentTakesThoseBeforeItAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		l := lines.New(got.write)
		for _, line := range []string{"first", "a", "b"} {
			l.Add(line)
		}
		l.AddNow("urgent")
		got.want(t, "first", "a b urgent")
		l.Add("c")
		l.Flush()
		got.want(t, "c")
		l.Flush()
		time.Sleep(time.Second)
		got.want(t)
	})
}

func TestOnlySoManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got writes
		l := lines.New(got.write)
		for range 1 + 16 + 2 {
			l.Add("x")
		}
		together := strings.TrimSpace(strings.Repeat("x ", 16))
		got.want(t, "x", together)
		time.Sleep(10 * time.Millisecond)
		got.want(t, "x x")
	})
}
