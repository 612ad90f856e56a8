package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// resumeCopy is how much of a whole file is copied into a partial, for the file
// to be resumed atomically. What is longer is resumed in place: it would cost
// its size and the time to copy it, and has no end that is worth keeping.
const resumeCopy = 64 << 20

// upload is what an atomic upload is about.
type upload struct {
	spot
	folder  *os.Root // that of the spot
	partial string   // in folder
	info    fs.FileInfo
	// careful: replaces nothing but what this session has made.
	careful bool
	// main: this is the partial that can be resumed.
	main bool
}

// openUpload opens what STOR or APPE writes to when uploads are atomic: a
// partial, or the file itself where bytes are added to one that is whole.
func (h *Home) openUpload(t target, flags int, offset int64) (*File, error) {
	if err := h.ledger.ready(context.Background(), h.root); err != nil {
		return nil, err
	}
	s, whole, err := h.locate(t)
	if err != nil {
		return nil, err
	}
	if err := h.mayUpload(t, s, whole, flags); err != nil {
		return nil, err
	}
	partial, err := h.waiting(t, s, whole)
	if err != nil {
		return nil, err
	}
	appends := flags&os.O_APPEND != 0
	if offset > 0 || appends {
		if err := h.isSentElsewhere(s); err != nil {
			return nil, err
		}
	}
	careful := rules[modify][h.access] != yes || flags&os.O_EXCL != 0
	switch {
	case appends && partial != nil && (whole == nil || h.told.has(t.name)):
		return h.openPartial(t, s, careful, partial.Size())
	case offset > 0 && partial != nil && offset <= partial.Size():
		return h.openPartial(t, s, careful, offset)
	case whole != nil && (appends || offset > 0 && offset <= whole.Size()):
		return h.resumeWhole(t, s, flags, offset)
	case offset > 0 && whole != nil:
		return nil, restartError(offset, whole.Size())
	case offset > 0 && partial != nil:
		return nil, restartError(offset, partial.Size())
	case offset > 0:
		return nil, fs.ErrNotExist
	}
	return h.openPartial(t, s, careful, 0)
}

func restartError(offset, size int64) error {
	return fmt.Errorf("restart at %d of %d bytes: %w", offset, size, fs.ErrInvalid)
}

// mayUpload asks the access table, and for a file that exists also the host.
func (h *Home) mayUpload(t target, s spot, whole fs.FileInfo, flags int) error {
	switch {
	case whole == nil && !h.permits(store, t):
		return fs.ErrPermission
	case whole == nil:
		return nil
	case whole.IsDir():
		return syscall.EISDIR
	case flags&os.O_EXCL != 0:
		return fs.ErrExist
	case rules[modify][h.access] == no:
		return fs.ErrPermission
	case rules[modify][h.access] == own && !h.own.has(t.name, whole):
		return fs.ErrPermission
	}
	file, _, err := openKind(h.root, s.sibling(s.name), os.O_WRONLY, whole.Mode().Type())
	if err != nil {
		return err
	}
	return file.Close()
}

// isSentElsewhere refuses to go on with an upload that another session is busy
// with.
func (h *Home) isSentElsewhere(s spot) error {
	partial, err := h.root.Lstat(s.sibling(partialName(h.owner, s.name, 0)))
	if err == nil && h.ledger.isWritten(partial) {
		return errWritten
	}
	return nil
}

// openPartial opens a partial of which the first bytes stay. An upload from the
// beginning, while another session sends to the same target, gets a partial of
// its own, so that each is whole in its turn.
func (h *Home) openPartial(t target, s spot, careful bool, stay int64) (*File, error) {
	folder, err := s.folder(h.root)
	if err != nil {
		return nil, err
	}
	var f *File
	for number := range maxPartials {
		u := &upload{spot: s, folder: folder, partial: partialName(h.owner, s.name, number), careful: careful, main: number == 0}
		f, err = h.claimPartial(t, u, stay)
		if !errors.Is(err, ErrFileBusy) || stay > 0 {
			break
		}
	}
	if err != nil {
		_ = folder.Close() // nothing more to do there
		return nil, err
	}
	return f, nil
}

// claimPartial opens a partial as its only writer.
func (h *Home) claimPartial(t target, u *upload, stay int64) (*File, error) {
	flags := os.O_WRONLY
	if stay == 0 {
		flags |= os.O_CREATE
	}
	file, info, err := openKind(u.folder, u.partial, flags, 0)
	if err != nil {
		return nil, err
	}
	w, err := h.ledger.begin(file, h.limit(), true)
	if err != nil {
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	u.info = info
	f := &File{file: file, home: h, target: t, upload: u, writer: w}
	err = u.isInPlace() // who had it before may just have put it in the target's
	if err == nil {
		err = f.cutTo(stay)
	}
	if err != nil {
		w.end()
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	if stay == 0 {
		h.adopt(file)
	}
	return f, nil
}

// isInPlace reports as an error if the partial's name is not this file's any
// more.
func (u *upload) isInPlace() error {
	now, err := u.folder.Lstat(u.partial)
	if err == nil && !os.SameFile(now, u.info) {
		return errWritten
	}
	return err
}

// cutTo leaves the first bytes of a file and stands behind them.
func (f *File) cutTo(size int64) error {
	if err := f.file.Truncate(size); err != nil {
		return err
	}
	f.writer.settle()
	_, err := f.file.Seek(size, io.SeekStart)
	return err
}

// resumeWhole goes on with a file that is whole, from an offset in it. Where
// that is cheap it happens in a copy; else, and for APPE always, in place: a log
// file is not copied for each line.
func (h *Home) resumeWhole(t target, s spot, flags int, offset int64) (*File, error) {
	if flags&os.O_APPEND == 0 && offset <= resumeCopy {
		if f, err := h.copyWhole(t, s, offset); err == nil {
			return f, nil
		} // no room for both: in place there may be
	}
	f, info, err := h.open(t, flags)
	if err != nil {
		return nil, err
	}
	if offset > info.Size() { // it has become shorter this very moment
		_ = f.Close() // nothing was written to it
		return nil, restartError(offset, info.Size())
	}
	return f, nil
}

// copyWhole makes a partial of the first bytes of a whole file. The kernel
// copies, or shares the blocks where the file system can.
func (h *Home) copyWhole(t target, s spot, size int64) (*File, error) {
	whole, info, err := openKind(h.root, s.sibling(s.name), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = whole.Close() }() // it was only read
	if size > info.Size() {
		return nil, restartError(size, info.Size())
	}
	f, err := h.openPartial(t, s, rules[modify][h.access] != yes, 0)
	if err != nil {
		return nil, err
	}
	if err = f.room(size, 0); err == nil {
		_, err = io.CopyN(f.file, whole, size)
		f.settled()
	}
	if err != nil {
		f.TransferError(err)
		return nil, errors.Join(err, f.file.Truncate(0), f.Close())
	}
	return f, nil
}
