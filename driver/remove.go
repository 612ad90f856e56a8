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
func (l *ledger) remove(in place, name string) error {
	if !l.limited.Load() {
		return in.Remove(name)
	}
	l.change.Lock()
	defer l.change.Unlock()
	old, err := l.hold(in, name)
	if err != nil {
		return err // what comes to the name from now on nobody has asked to remove, or held
	}
	defer old.letGo()
	if err = in.Remove(name); err == nil {
		old.isGone()
	}
	return err
}

// rename renames a file or directory, and takes what it replaces out of the
// count.
func (l *ledger) rename(in place, from, to string) error {
	if !l.limited.Load() {
		return in.Rename(from, to)
	}
	l.change.Lock()
	defer l.change.Unlock()
	src, err := in.Lstat(from)
	if err != nil {
		return err
	}
	old, _ := l.hold(in, to) // nothing there: nothing is replaced
	defer old.letGo()
	if err := in.Rename(from, to); err != nil {
		return err
	}
	l.moved()
	if old != nil && !sameFile(src, old.info) { // it is the same if only the case differs
		old.isGone()
	}
	return nil
}

// hold counts as a writer of a file that is about to go, so that its bytes are
// counted out when the last one who writes to it is through. nil: it is not a
// file that counts. The error is fs.ErrNotExist: there is nothing.
func (l *ledger) hold(in place, name string) (*writer, error) {
	info, err := in.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	var w *writer
	if err == nil {
		w, err = l.open(in, name, os.O_RDONLY, noQuota, false)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return w, nil // tend counts out what can't be opened
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

// letGo ends it and closes the file. Of nil there is nothing to end.
func (w *writer) letGo() {
	if w == nil {
		return
	}
	w.end()
	_ = w.file.Close() // nothing was written to it
}

// renameToNew is rename that replaces nothing.
func (l *ledger) renameToNew(in place, from, to string) error {
	return l.replacingNothing(renameToNew, in, from, to)
}

// renameNoReplace is renameToNew where the kernel does that in one call; else an
// error.
func (l *ledger) renameNoReplace(in place, from, to string) error {
	return l.replacingNothing(renameNoReplace, in, from, to)
}

// replacingNothing renames so that nothing is to be counted out.
func (l *ledger) replacingNothing(rename func(in place, from, to string) error, in place, from, to string) error {
	if l.limited.Load() {
		l.change.Lock()
		defer l.change.Unlock()
		defer l.moved()
	}
	return rename(in, from, to)
}

func renameNoReplace(in place, from, to string) error {
	if d, ok := in.(interface{ renameNoReplace(from, to string) error }); ok {
		return d.renameNoReplace(from, to)
	}
	return errors.ErrUnsupported
}

// renameToNew never replaces a file, not even one that appears this moment: where
// the kernel can't rename so, a hard link does. Directories and file systems
// without links (FAT) take the last way; rename(2) itself replaces no file by a
// directory.
func renameToNew(in place, from, to string) error {
	if differInCase(in, from, to) {
		return in.Rename(from, to)
	}
	err := renameNoReplace(in, from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	err = in.Link(from, to)
	switch {
	case err == nil:
		return in.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	if _, err := in.Lstat(to); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return in.Rename(from, to)
}

// differInCase finds a new name that is the old one in other letters, where the
// file system takes both for the same: nothing is replaced then.
func differInCase(in place, from, to string) bool {
	if !strings.EqualFold(from, to) {
		return false
	}
	src, err := in.Lstat(from)
	dst, errDst := in.Lstat(to)
	return err == nil && errDst == nil && sameFile(src, dst)
}

// discard removes a partial that nobody is writing, or returns ErrFileBusy.
func (l *ledger) discard(in place, name string) error {
	w, err := l.open(in, name, os.O_RDONLY, noQuota, true)
	if err != nil {
		return err
	}
	defer w.letGo()
	if !w.has(in, name) {
		return errWritten // it has just become whole, and somebody sends another
	}
	return l.remove(in, name)
}
