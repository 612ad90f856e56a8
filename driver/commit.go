package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// errMoved tells that a whole upload has no place to go.
var errMoved = fmt.Errorf("its folder was moved or removed meanwhile; send it again: %w", fs.ErrNotExist)

// The end of an atomic upload. Until put has renamed the partial, the target's
// name stands for the old file, and after it for the new one; whenever the
// process dies, it is one of the two.

// closeUpload puts a whole upload in its target's place, and keeps what arrived
// of another one for the client to resume.
func (f *File) closeUpload() error {
	u := f.upload
	if u.folder != f.home.root {
		defer func() { _ = u.folder.Close() }() // nothing is pending there
	}
	// It stays open over all of this, see writer.end; flushed tells what closing
	// it would.
	defer func() { _ = f.file.Close() }()
	defer f.writer.end()
	if broken := f.Broken(); broken != nil {
		f.writer.settle()
		err := flushed(f.file)
		f.keep()
		return err
	}
	if err := f.seal(); err != nil {
		// What is on the disk of it now nobody knows: not to be built upon.
		f.drop()
		return err
	}
	if err := f.put(); err != nil {
		f.keep()
		return err
	}
	f.home.forgetTold(f.target.name)
	if f.home.files.Sync {
		return syncFolder(u.folder)
	}
	return nil
}

// seal makes the partial what the target is going to be.
func (f *File) seal() error {
	if f.upload.replaces {
		if old, err := f.upload.folder.Lstat(f.upload.name); err == nil && old.Mode().IsRegular() {
			f.home.inherit(f.file, old)
		}
	}
	var err error
	if f.home.files.Sync {
		err = f.file.Sync()
	}
	f.writer.settle()
	return errors.Join(err, flushed(f.file))
}

// put renames the partial to the target.
func (f *File) put() error {
	u, h := f.upload, f.home
	if err := f.isAtHome(); err != nil {
		return err
	}
	if err := u.isInPlace(); err != nil {
		return errMoved
	}
	move := h.ledger.rename
	if u.careful {
		if old, err := u.folder.Lstat(u.name); err != nil || !h.own.has(f.target.name, old) {
			move = h.ledger.renameToNew // what came meanwhile is another's
		}
	}
	if err := move(u.folder, u.partial, u.name); err != nil {
		return err
	}
	if rules[modify][h.access] == own {
		h.own.add(f.target.name, u.info)
	}
	return nil
}

// isAtHome reports as an error if the folder is not where it was: whoever moved
// it decided without this file, and it may not even be in the home any more.
func (f *File) isAtHome() error {
	if f.home.closed.Load() {
		return fs.ErrClosed
	}
	if f.upload.dir == "" {
		return nil // the home itself
	}
	was, err := f.upload.folder.Stat(".")
	if err != nil {
		return err
	}
	now, err := f.home.root.Stat(f.upload.folderName())
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(was, now):
		return errMoved
	default:
		return err
	}
}

// keep leaves the partial for the client to resume, unless there is nothing in
// it, or nobody could.
func (f *File) keep() {
	info, err := f.upload.folder.Lstat(f.upload.partial)
	if err == nil && (info.Size() == 0 || !f.upload.main || f.home.files.KeepPartial <= 0) {
		f.drop()
		return
	}
	f.home.ledger.dueAt(time.Now().Add(f.home.files.KeepPartial))
}

// drop removes the partial. If that fails, the homes' keeper tries again.
func (f *File) drop() {
	if f.upload.isInPlace() == nil {
		_ = f.home.ledger.remove(f.upload.folder, f.upload.partial)
	}
}
