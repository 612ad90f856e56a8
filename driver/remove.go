package driver

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Every file that is removed, replaced or renamed, is so here, for the bytes of
// the home to stay counted.

// remove removes a file or an empty directory, and its bytes from the count.
func (l *ledger) remove(root *os.Root, local string) error {
	if !l.limited.Load() {
		return root.Remove(local)
	}
	l.change.Lock()
	defer l.change.Unlock()
	old := l.hold(root, local)
	defer old.letGo()
	err := root.Remove(local)
	if err == nil {
		old.isGone()
	}
	return err
}

// rename renames a file or directory, and takes what it replaces out of the
// count.
func (l *ledger) rename(root *os.Root, from, to string) error {
	if !l.limited.Load() {
		return root.Rename(from, to)
	}
	l.change.Lock()
	defer l.change.Unlock()
	src, err := root.Lstat(from)
	if err != nil {
		return err
	}
	old := l.hold(root, to)
	defer old.letGo()
	if err := root.Rename(from, to); err != nil {
		return err
	}
	l.moved()
	if old != nil && !os.SameFile(src, old.entry.info) { // it is the same if only the case differs
		old.isGone()
	}
	return nil
}

// hold counts as a writer of a file that is about to go, so that its bytes are
// counted out when the last one who writes to it is through. nil: it is not a
// file that counts.
func (l *ledger) hold(root *os.Root, local string) *writer {
	info, err := root.Lstat(local)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	file, _, err := openKind(root, local, os.O_RDONLY, 0)
	if err != nil {
		return nil // tend counts it out
	}
	w, err := l.begin(file, noQuota, false)
	if err != nil {
		_ = file.Close() // nothing is known of it
		return nil
	}
	return w
}

// isGone notes that the file has no name any more.
func (w *writer) isGone() {
	if w == nil {
		return
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.entry.gone = true
}

// letGo ends a hold.
func (w *writer) letGo() {
	if w == nil {
		return
	}
	w.end()
	_ = w.file.Close() // it was not even read
}

// renameToNew is rename that replaces nothing.
func (l *ledger) renameToNew(root *os.Root, from, to string) error {
	if l.limited.Load() {
		l.change.Lock()
		defer l.change.Unlock()
		defer l.moved()
	}
	return renameToNew(root, from, to)
}

// renameToNew never replaces a file, not even one that appears this moment: a
// hard link can't. Directories and file systems without links (FAT) take the
// second way; rename(2) itself replaces no file by a directory.
func renameToNew(root *os.Root, from, to string) error {
	if differInCase(root, from, to) {
		return root.Rename(from, to)
	}
	err := root.Link(from, to)
	switch {
	case err == nil:
		return root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	if _, err := root.Lstat(to); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return root.Rename(from, to)
}

// differInCase finds a new name that is the old one in other letters, where the
// file system takes both for the same: nothing is replaced then.
func differInCase(root *os.Root, from, to string) bool {
	if !strings.EqualFold(from, to) {
		return false
	}
	src, err := root.Lstat(from)
	dst, errDst := root.Lstat(to)
	return err == nil && errDst == nil && os.SameFile(src, dst)
}

// discard removes a partial that nobody is writing, or returns ErrFileBusy.
func (l *ledger) discard(root *os.Root, local string) error {
	file, _, err := openKind(root, local, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was not even read
	w, err := l.begin(file, noQuota, true)
	if err != nil {
		return err
	}
	defer w.end()
	if now, err := root.Lstat(local); err != nil || !os.SameFile(now, w.entry.info) {
		return errWritten // it has just become whole, and somebody sends another
	}
	return l.remove(root, local)
}
