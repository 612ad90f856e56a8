package driver

import (
	"errors"
	"fmt"
	"io/fs"
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
	defer func() { _ = u.place.Close() }() // nothing is pending there
	// It stays open over all of this, see writer.end; flushed tells what closing
	// it would.
	defer func() { _ = f.file.Close() }()
	defer f.writer.end()
	if broken := f.Broken(); broken != nil {
		err := f.flushed()
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
		return syncFolder(u)
	}
	return nil
}

// seal makes the partial what the target is going to be.
func (f *File) seal() error {
	if f.upload.replaces {
		if old, err := f.upload.Lstat(f.upload.name); err == nil && old.Mode().IsRegular() {
			f.home.inherit(f.writer, old)
		}
	}
	var err error
	if f.home.files.Sync {
		err = f.file.Sync()
	}
	return errors.Join(err, f.flushed())
}

// flushed tells what closing the file would, where that tells anything.
func (f *File) flushed() error {
	home := f.home.folder
	if home.closesSilently && identityOf(f.writer.info).Device == identityOf(home.info).Device {
		return nil
	}
	return flushed(f.file)
}

// put renames the partial to the target: in the folder that the client's name
// leads to now, and if the partial is still there. Else whoever moved the one or
// the other decided without this file, and the folder that it was begun in may
// not even be in the home any more.
func (f *File) put() error {
	u, h := f.upload, f.home
	if h.closed.Load() {
		return fs.ErrClosed
	}
	in, err := h.folder.place(u.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return errMoved
	} else if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // nothing is pending there
	if !f.writer.has(in, u.partial) {
		return errMoved
	}
	if err := f.move(in); err != nil {
		return err
	}
	if rules[modify][h.access] == own {
		h.own.add(f.target.name, f.writer.info)
	}
	return nil
}

// move gives the partial the target's name.
func (f *File) move(in place) error {
	u, h := f.upload, f.home
	if u.careful {
		if old, err := in.Lstat(u.name); err != nil || !h.own.has(f.target.name, old) {
			return h.ledger.renameToNew(in, u.partial, u.name) // what came meanwhile is another's
		}
	}
	if !u.replaces && h.ledger.renameNoReplace(in, u.partial, u.name) == nil {
		return nil // and nobody had to look for what is to be counted out
	}
	return h.ledger.rename(in, u.partial, u.name)
}

// keep leaves the partial for the client to resume, unless there is nothing in
// it, or nobody could.
func (f *File) keep() {
	info, err := f.upload.Lstat(f.upload.partial)
	if err == nil && (info.Size() == 0 || !f.upload.main || f.home.files.KeepPartial <= 0) {
		f.drop()
		return
	}
	f.home.ledger.dueAt(time.Now().Add(f.home.files.KeepPartial))
}

// drop removes the partial. If that fails, the homes' keeper tries again.
func (f *File) drop() {
	if u := f.upload; f.writer.has(u, u.partial) {
		_ = f.home.ledger.remove(u, u.partial)
	}
}
