package driver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// All that an upload of a new file in a folder asks Linux, but for its bytes, and
// what for. In the home's own directory there is no way to go.
//
//	openat2     the folder: the way there, which stays in the home (place)
//	newfstatat  the target: is it nothing yet, a link to follow, a file to replace
//	openat      the partial; os.NewFile adds fcntl
//	fstat       which file it is, so that nobody else writes it (ledger.begin)
//	openat2     the folder again: where the client's name leads now (put)
//	newfstatat  the partial is there, and is the file that was written
//	renameat2, close, close, close
//
// With a quota there is an fstat at the end, for its size. Of a file that is there,
// faccessat2 tells whether it may be replaced, and newfstatat at the end what mode
// it has then. A partial that is there is emptied, and has to be looked at by its
// name once it is open: see ledger.create.

// upload is what an atomic upload is about.
type upload struct {
	spot           // the place is closed with the upload
	partial string // in the place
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
	f, err := h.openUploadAt(t, s, whole, flags, offset)
	if f == nil || f.upload == nil {
		_ = s.Close() // nothing is pending there
	}
	return f, err
}

func (h *Home) openUploadAt(t target, s spot, whole fs.FileInfo, flags int, offset int64) (*File, error) {
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
	if !whole.Mode().IsRegular() {
		return errNotRegular
	}
	return askToWrite(s.place, s.name)
}

// askToWrite asks the host whether it would let us write to a file, for to put
// another in its place takes no right on the file at all.
func askToWrite(in place, name string) error {
	if d, ok := in.(interface{ askToWrite(name string) error }); ok {
		if err := d.askToWrite(name); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	file, err := openAtOnce(in, name, os.O_WRONLY)
	if err != nil {
		return err
	}
	return file.Close()
}

// openPartial opens a partial of which the first bytes stay. An upload from the
// beginning, while another session sends to the same target, gets a partial of
// its own, so that each is whole in its turn.
func (h *Home) openPartial(t target, s spot, replaces, careful bool, stay int64) (*File, error) {
	var err error
	var f *File
	for number := range maxPartials {
		u := &upload{spot: s, partial: partialName(h.owner, s.name, number), replaces: replaces, careful: careful, main: number == 0}
		f, err = h.claimPartial(t, u, stay)
		if !errors.Is(err, ErrFileBusy) || stay > 0 {
			break
		}
	}
	return f, err
}

// claimPartial opens a partial as its only writer.
func (h *Home) claimPartial(t target, u *upload, stay int64) (*File, error) {
	w, err := h.ledger.claim(u, u.partial, stay == 0, h.limit())
	if err != nil {
		return nil, err
	}
	f := &File{file: w.file, home: h, target: t, upload: u, writer: w, atEnd: true}
	if err = f.cutTo(stay); err != nil {
		w.letGo()
		return nil, err
	}
	if stay == 0 {
		h.adopt(w.file)
	}
	return f, nil
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
