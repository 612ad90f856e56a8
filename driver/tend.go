package driver

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// tendInterval is how often it is checked whether a home has to be looked
	// after. One without quota and partials is not, so that its disk may sleep.
	tendInterval = time.Hour
	// recountInterval is how often the bytes of a home with a quota are counted
	// again, since not only this server changes files.
	recountInterval = 24 * time.Hour
	// freshPartial is how long a partial is nobody's waste, whatever Files says:
	// its upload may just be about to begin.
	freshPartial = time.Minute
)

// homes are the ledgers of all home folders. They outlive the accounts.
type homes struct {
	mu     sync.Mutex
	byHome map[string]*ledger
	news   chan struct{} // holds one token when a home was added
}

func newHomes() *homes {
	return &homes{byHome: make(map[string]*ledger), news: make(chan struct{}, 1)}
}

// enter gives accounts, which are in force from now on, the ledgers of their
// homes: one for all names that a folder has.
func (h *homes) enter(accounts map[string]*Account) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range accounts {
		folder := a.home
		if real, err := filepath.EvalSymlinks(folder); err == nil {
			folder = real
		}
		if h.byHome[folder] == nil {
			h.byHome[folder] = newLedger(a.files.Log)
		}
		a.ledger = h.byHome[folder]
		a.ledger.configure(a.files.KeepPartial, a.quota)
	}
	select {
	case h.news <- struct{}{}:
	default: // there is one already
	}
}

func (h *homes) all() map[string]*ledger {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.byHome)
}

// configure takes over what an account says of its home.
func (l *ledger) configure(keep time.Duration, quota int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keep != keep {
		l.keep, l.due = keep, time.Time{}
	}
	if quota > 0 && !l.limited.Swap(true) {
		l.usage.counted, l.due = false, time.Time{}
	}
}

func (l *ledger) isDue(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !now.Before(l.due)
}

// dueAt has the home looked after at some time, if not before.
func (l *ledger) dueAt(when time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if when.Before(l.due) {
		l.due = when
	}
}

// Tend looks after the homes until ctx ends, at once and then when it is due: it
// removes the partials of uploads that nobody resumed in time, and counts the
// bytes of homes with a quota. It runs once for all accounts there will be.
func (a *Accounts) Tend(ctx context.Context) {
	timer := time.NewTicker(tendInterval)
	defer timer.Stop()
	for {
		for folder, ledger := range a.homes.all() {
			if !ledger.isDue(time.Now()) {
				continue
			}
			err := ledger.tend(ctx, folder)
			if ctx.Err() == nil {
				ledger.tell(folder, err)
			}
		}
		select {
		case <-timer.C:
		case <-a.homes.news:
		case <-ctx.Done():
			return
		}
	}
}

func (l *ledger) tend(ctx context.Context, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // it was only looked at
	if err := l.ready(ctx, root); err != nil {
		return err
	}
	before := l.changes()
	found, err := l.survey(ctx, root, tendPause)
	if err != nil {
		return err
	}
	l.correct(found.bytes, before)
	for _, local := range found.expired {
		switch err := l.discard(root, local); {
		case err == nil:
			l.log.Info("interrupted upload removed: nobody resumed it in time", "home", folder, "file", local)
		case !errors.Is(err, ErrFileBusy):
			l.log.Warn("interrupted upload not removed", "home", folder, "file", local, "error", bare(err))
		}
	}
	return nil
}

// tell logs a failure once, and its end. Only Tend calls it.
func (l *ledger) tell(folder string, err error) {
	switch {
	case err != nil && !l.failing:
		l.log.Warn("home cannot be looked after: partials stay, the quota is not counted", "home", folder, "error", err)
	case err == nil && l.failing:
		l.log.Info("home is looked after again", "home", folder)
	}
	l.failing = err != nil
}

// survey is what a look at all files of a home found.
type survey struct {
	bytes   int64
	expired []string // partials whose time is over
}

// survey also notes when the next one is due.
func (l *ledger) survey(ctx context.Context, root *os.Root, pause time.Duration) (found survey, err error) {
	keep := l.begun(time.Now())
	err = walk(ctx, root, "", pause, func(local string, info fs.FileInfo) {
		if !info.Mode().IsRegular() {
			return
		}
		found.bytes += info.Size()
		if !isOurPartial(info.Name()) {
			return
		}
		if until := info.ModTime().Add(keep); until.After(time.Now()) {
			l.dueAt(until)
		} else {
			found.expired = append(found.expired, local)
		}
	})
	return found, err
}

// begun notes that a survey has begun, and returns how long partials are kept.
func (l *ledger) begun(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = now.AddDate(1, 0, 0)
	if l.limited.Load() {
		l.due = now.Add(recountInterval)
	}
	return max(l.keep, freshPartial)
}
