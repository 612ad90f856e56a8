package driver

import (
	"context"
	"os"
	"time"
)

const (
	// countPatience is how long an upload waits for the count of its home.
	countPatience = 20 * time.Second
	// countTries bounds how often a home is counted anew because it changed
	// under the count.
	countTries = 3
)

// ready returns when the bytes of the home are counted, if they have to be. The
// first to come counts, everybody else waits for a while.
func (l *ledger) ready(ctx context.Context, root *os.Root) error {
	if !l.limited.Load() {
		return nil
	}
	counted, wait := l.claimCount()
	if counted {
		return nil // as nearly always
	}
	patience := time.NewTimer(countPatience)
	defer patience.Stop()
	for ; !counted; counted, wait = l.claimCount() {
		if wait == nil {
			return l.count(ctx, root)
		}
		select {
		case <-wait: // it may have failed
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return errCounting
		}
	}
	return nil
}

// claimCount reports whether all is counted; if not, what to wait for, or nil:
// the caller has to count.
func (l *ledger) claimCount() (counted bool, wait <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.usage.counted && l.usage.counting == nil {
		l.usage.counting = make(chan struct{})
		return false, nil
	}
	return l.usage.counted, l.usage.counting
}

// count counts the bytes of a home for the first time. When files change
// meanwhile it counts again, and at last lets them wait.
func (l *ledger) count(ctx context.Context, root *os.Root) (err error) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.usage.counted = err == nil
		close(l.usage.counting)
		l.usage.counting = nil
	}()
	for try := range countTries {
		last := try == countTries-1
		if last {
			l.change.Lock()
			defer l.change.Unlock()
		}
		before := l.changes()
		found, err := l.survey(ctx, root, 0)
		if err != nil {
			return err
		}
		if last {
			l.set(found.bytes)
		} else if l.correct(found.bytes, before) {
			break
		}
	}
	return nil
}

func (l *ledger) changes() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usage.changes
}

// correct sets what is used, and reports whether it did: only if nothing has
// changed or is about to, and nobody writes.
func (l *ledger) correct(total int64, before uint64) bool {
	if !l.change.TryLock() {
		return false
	}
	defer l.change.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.usage.changes != before || len(l.written) > 0 {
		return false
	}
	l.usage.used = total
	return true
}

// set sets what is used. Who writes meanwhile began when nobody had a quota
// here; tend mends what is wrong with that.
func (l *ledger) set(total int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.usage.used = total + l.usage.reserved
}
