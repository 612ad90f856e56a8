package driver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// upload is what an atomic upload is about.
type upload struct {
	spot
	folder  *os.Root // that of the spot: the home's own, or one to be closed
	partial string   // in folder
	info    fs.FileInfo
	// replaces: there was a file when the upload began.
	replaces bool
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
	careful := rules[modify][h.access] != yes || flags&os.O_EXCL != 0
	if offset == 0 && flags&os.O_APPEND == 0 {
		return h.openPartial(t, s, whole != nil, careful, 0)
	}
	there, err := h.sizes(t, s, whole)
	if err != nil {
		return nil, err
	}
	plan, err := resume(flags&os.O_APPEND != 0, offset, there)
	switch {
	case err != nil:
		h.told.forget(t.name) // and so it is told once
		return nil, err
	case plan.inWhole:
		return h.resumeWhole(t, s, flags, offset)
	default:
		return h.openPartial(t, s, whole != nil, careful, plan.stay)
	}
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

// openPartial opens a partial of which the first bytes stay. An upload from the
// beginning, while another session sends to the same target, gets a partial of
// its own, so that each is whole in its turn.
func (h *Home) openPartial(t target, s spot, replaces, careful bool, stay int64) (*File, error) {
	folder := h.root
	if s.dir != "" {
		var err error
		if folder, err = s.folder(h.root); err != nil {
			return nil, err
		}
	}
	var err error
	var f *File
	for number := range maxPartials {
		u := &upload{spot: s, folder: folder, partial: partialName(h.owner, s.name, number), replaces: replaces, careful: careful, main: number == 0}
		f, err = h.claimPartial(t, u, stay)
		if !errors.Is(err, ErrFileBusy) || stay > 0 {
			break
		}
	}
	if err != nil {
		if folder != h.root {
			_ = folder.Close() // nothing more to do there
		}
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
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, u.info) {
		return errWritten
	}
	return err
}

// cutTo leaves the first bytes of a file and stands behind them.
func (f *File) cutTo(size int64) error {
	if f.writer.size() != size {
		if err := f.file.Truncate(size); err != nil {
			return err
		}
		f.writer.settle()
	}
	if size == 0 {
		return nil // it was just opened
	}
	_, err := f.file.Seek(size, io.SeekStart)
	return err
}
