package driver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// tendInterval is how often the homes are looked after.
	tendInterval = time.Hour
	// tendPause lets others at the disk after each batch of entries, when
	// nobody waits for the outcome.
	tendPause = 5 * time.Millisecond
	// countPatience is how long an upload waits for the count of its home.
	countPatience = 20 * time.Second
	// countTries bounds how often a home is counted anew because it changed
	// under the count.
	countTries = 3
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

func (l *ledger) configure(keep time.Duration, quota int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep = keep
	if quota > 0 && !l.limited.Swap(true) {
		l.usage.counted = false
	}
}

// Tend looks after the homes until ctx ends, at once and then every hour: it
// removes the partials of uploads that nobody resumed in time, and counts the
// bytes of homes with a quota. It runs once for all accounts there will be.
func (a *Accounts) Tend(ctx context.Context) {
	timer := time.NewTicker(tendInterval)
	defer timer.Stop()
	for {
		for folder, ledger := range a.homes.all() {
			if err := ledger.tend(ctx, folder); err != nil && ctx.Err() == nil {
				ledger.log.Warn("home not looked after", "home", folder, "error", err)
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
	total, expired, err := l.survey(ctx, root, tendPause)
	if err != nil {
		return err
	}
	l.correct(total, before, false)
	for _, local := range expired {
		switch err := l.discard(root, local); {
		case err == nil:
			l.log.Info("interrupted upload removed: nobody resumed it in time", "home", folder, "file", local)
		case !errors.Is(err, ErrFileBusy):
			l.log.Warn("interrupted upload not removed", "home", folder, "file", local, "error", bare(err))
		}
	}
	return nil
}

// survey adds up the bytes of a home and finds the partials whose time is over.
func (l *ledger) survey(ctx context.Context, root *os.Root, pause time.Duration) (total int64, expired []string, err error) {
	l.mu.Lock()
	until := time.Now().Add(-max(l.keep, freshPartial))
	l.mu.Unlock()
	err = walk(ctx, root, "", pause, func(local string, info fs.FileInfo) {
		if info.Mode().IsRegular() {
			total += info.Size()
			if isOurPartial(info.Name()) && info.ModTime().Before(until) {
				expired = append(expired, local)
			}
		}
	})
	return total, expired, err
}

// walk visits everything below a folder of a home, links as what they are. What
// vanishes meanwhile, or can't be read, is left out.
func walk(ctx context.Context, root *os.Root, local string, pause time.Duration, visit func(local string, info fs.FileInfo)) error {
	folders, err := walkFolder(ctx, root, local, pause, visit)
	for _, folder := range folders {
		if err == nil {
			err = walk(ctx, root, folder, pause, visit)
		}
	}
	if local != "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		return nil
	}
	return err
}

// walkFolder returns the folders in a folder for later: so no more than one is
// open at a time.
func walkFolder(ctx context.Context, root *os.Root, local string, pause time.Duration, visit func(local string, info fs.FileInfo)) (folders []string, err error) {
	dir, err := root.Open(filepath.Join(".", local))
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	for {
		entries, err := dir.Readdir(listBatch)
		for _, e := range entries {
			name := filepath.Join(local, e.Name())
			if e.IsDir() {
				folders = append(folders, name)
			}
			visit(name, e)
		}
		switch {
		case errors.Is(err, io.EOF):
			return folders, nil
		case err != nil:
			return folders, bare(err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// ready returns when the bytes of the home are counted, if they have to be. The
// first to come counts, everybody else waits for a while.
func (l *ledger) ready(ctx context.Context, root *os.Root) error {
	patience := time.NewTimer(countPatience)
	defer patience.Stop()
	for l.limited.Load() {
		counted, wait := l.claimCount()
		switch {
		case counted:
			return nil
		case wait == nil:
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
// meanwhile it counts again; in a home that never rests it takes what it has,
// and tend mends that later.
func (l *ledger) count(ctx context.Context, root *os.Root) (err error) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.usage.counted = err == nil
		close(l.usage.counting)
		l.usage.counting = nil
	}()
	for try := range countTries {
		before := l.changes()
		total, _, err := l.survey(ctx, root, 0)
		if err != nil {
			return err
		}
		if l.correct(total, before, try == countTries-1) {
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
// changed and nobody writes, or if it must.
func (l *ledger) correct(total int64, before uint64, must bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !must && (l.usage.changes != before || len(l.written) > 0) {
		return false
	}
	l.usage.used = total + l.usage.reserved
	return true
}
