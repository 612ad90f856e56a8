package driver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// While the partial of an interrupted upload waits, SIZE tells how much of it is
// here, so that the client goes on from there. It must not take that for the
// size of the old file and then be sent the old file: the first download in a
// session that was told so is refused, and for a while the account is told of
// the old file, which it evidently wants.

// ErrUploadWaiting refuses a download once (reply 450, RFC 959, section 4.2).
var ErrUploadWaiting = errors.New("an interrupted upload of this file waits to be resumed; ask again for the old one")

const (
	// askedFor is how long an account is told of the old file.
	askedFor = 10 * time.Minute
	maxAsked = 1024
	// maxTold bounds what a session remembers to have been told.
	maxTold = 256
)

// resumes reports whether the account may leave partials at all.
func (h *Home) resumes() bool { return h.files.Atomic && rules[store][h.access] != no }

// partial describes the partial that the account has left at a spot, or sends to
// now: nil if there is none, or nothing in it.
func (h *Home) partial(s spot) (fs.FileInfo, error) {
	info, err := s.Lstat(partialName(h.owner, s.name, 0))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil || !info.Mode().IsRegular() || info.Size() == 0:
		return nil, err
	}
	return info, nil
}

// statPartial is what Stat tells of in the place of the file that has the name,
// or of none: nil if nothing waits there. What another session is sending shows
// only while there is no whole file.
func (h *Home) statPartial(t target, s spot, whole fs.FileInfo) fs.FileInfo {
	partial, err := h.partial(s)
	if err != nil || partial == nil ||
		whole != nil && (h.ledger.isWritten(partial) || h.ledger.isAsked(h.owner, t.name)) {
		h.told.forget(t.name)
		return nil
	}
	h.told.add(t.name, partial.Size())
	return partial
}

// mayRead keeps a session that was told of a partial from taking the old file
// for it.
func (h *Home) mayRead(t target) error {
	if h.told.size(t.name) == none {
		return nil
	}
	h.told.forget(t.name)
	if _, err := h.root.Stat(t.local); err != nil {
		return nil // opening it tells
	}
	h.ledger.ask(h.owner, t.name)
	return ErrUploadWaiting
}

// told are the names whose partial's size a session was told, the oldest first.
// The zero value holds none.
type told struct {
	mu    sync.Mutex
	files []toldFile
}

type toldFile struct {
	name string // FTP path
	size int64
}

func (t *told) add(name string, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(name)
	if len(t.files) >= maxTold {
		t.files = slices.Delete(t.files, 0, 1)
	}
	t.files = append(t.files, toldFile{name, size})
}

// size is what was told of a name, or none.
func (t *told) size(name string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.files {
		if f.name == name {
			return f.size
		}
	}
	return none
}

func (t *told) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(name)
}

func (t *told) remove(name string) {
	t.files = slices.DeleteFunc(t.files, func(f toldFile) bool { return f.name == name })
}

// asker is an account that wants the old file of this name.
type asker struct{ owner, name string }

// ask notes for a while that an account wants the old file.
func (l *ledger) ask(owner, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for who, until := range l.asked {
		if len(l.asked) >= maxAsked || now.After(until) {
			delete(l.asked, who)
		}
	}
	l.asked[asker{owner, name}] = now.Add(askedFor)
}

func (l *ledger) isAsked(owner, name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.asked[asker{owner, name}])
}

// forgetTold begins anew with a name: its upload is complete.
func (h *Home) forgetTold(name string) {
	h.told.forget(name)
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	delete(h.ledger.asked, asker{h.owner, name})
}

// discardPartial removes the account's partial for a name, which is not
// followed if it is a link. fs.ErrNotExist: there is none.
func (h *Home) discardPartial(t target) error {
	dir, name := filepath.Split(t.local)
	return h.ledger.discard(h.root, dir+partialName(h.owner, name, 0))
}

// discardPartials empties a folder that holds nothing but partials. It reports
// whether it did.
func (h *Home) discardPartials(local string) (bool, error) {
	dir, _, err := openKind(h.root, local, os.O_RDONLY, fs.ModeDir)
	if err != nil {
		return false, err
	}
	entries, err := dir.Readdirnames(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return false, err
	}
	if slices.ContainsFunc(entries, func(name string) bool { return !isPartial(name) }) {
		return false, nil
	}
	for _, name := range entries {
		if err := h.ledger.discard(h.root, filepath.Join(local, name)); err != nil {
			return false, err
		}
	}
	return true, nil
}
