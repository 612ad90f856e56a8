package driver

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
)

const (
	writing  = os.O_WRONLY | os.O_RDWR
	altering = os.O_APPEND | os.O_CREATE | os.O_TRUNC | os.O_EXCL
)

// Open opens a file or a directory for reading.
func (h *Home) Open(name string) (afero.File, error) {
	return h.OpenFile(name, os.O_RDONLY, 0)
}

// OpenDir opens a directory, for its Entries.
func (h *Home) OpenDir(name string) (*File, error) {
	t, err := h.resolve("readdir", name)
	if err != nil {
		return nil, err
	}
	dir, _, err := h.open(t, os.O_RDONLY)
	if err != nil {
		return nil, t.fail(err)
	}
	return dir, nil
}

// Create opens a file for reading and writing and empties it, or makes it.
func (h *Home) Create(name string) (afero.File, error) {
	return h.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0)
}

// OpenFile opens a regular file, or a directory for reading. The mode is
// ignored: see fileMode.
func (h *Home) OpenFile(name string, flags int, _ fs.FileMode) (afero.File, error) {
	t, err := h.resolve("open", name)
	if err != nil {
		return nil, err
	}
	f, _, err := h.open(t, flags)
	if err != nil {
		return nil, t.fail(err)
	}
	return f, nil
}

// GetHandle opens a file for RETR, STOR or APPE. Only regular files are
// transferred. The offset is where the library is going to seek to (REST); one
// beyond the end of the file is refused, in either direction, since it would
// leave a hole or send nothing. An upload that starts at an offset goes on there
// and does not make a missing file.
//
// A download may be refused with ErrUploadWaiting, an upload with ErrFileBusy.
//
// The result is a *File.
func (h *Home) GetHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	t, err := h.resolve("open", name)
	if err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, t.fail(restartError(offset, 0))
	}
	if offset > 0 {
		flags &^= os.O_CREATE | os.O_TRUNC
	}
	switch {
	case flags&writing != 0 && h.files.Atomic:
		f, err := h.openUpload(t, flags, offset)
		if err != nil {
			return nil, t.fail(err)
		}
		return f, nil
	case flags&writing == 0:
		if err := h.mayRead(t); err != nil {
			return nil, t.fail(err)
		}
	}
	f, info, err := h.open(t, flags)
	if err != nil {
		return nil, t.fail(err)
	}
	switch {
	case info.IsDir():
		err = syscall.EISDIR
	case offset > info.Size():
		err = restartError(offset, info.Size())
	default:
		return f, nil
	}
	_ = f.Close() // nothing was written to it
	return nil, t.fail(err)
}

func (h *Home) open(t target, flags int) (*File, fs.FileInfo, error) {
	switch {
	case flags&writing != 0:
		return h.openToWrite(t, flags)
	case flags&altering != 0:
		return nil, nil, fs.ErrInvalid
	}
	file, info, err := h.openToRead(t)
	if err != nil {
		return nil, nil, err
	}
	return &File{file: file, home: h, target: t, info: info}, info, nil
}

func (h *Home) openToRead(t target) (*os.File, fs.FileInfo, error) {
	s, info, err := h.locate(t)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = s.Close() }() // nothing was done there
	switch {
	case info == nil:
		return nil, nil, fs.ErrNotExist
	case info.IsDir():
		if !h.permits(list, t) {
			return nil, nil, fs.ErrPermission
		}
	case !h.permits(download, t):
		return nil, nil, fs.ErrPermission
	}
	return openKind(s, s.name, os.O_RDONLY, info.Mode().Type())
}

// openToWrite opens a file in place, as the account may: a new one, or one that
// exists.
func (h *Home) openToWrite(t target, flags int) (*File, fs.FileInfo, error) {
	if err := h.ledger.ready(context.Background(), h.root); err != nil {
		return nil, nil, err
	}
	if flags&os.O_RDWR != 0 && !h.permits(download, t) {
		return nil, nil, fs.ErrPermission
	}
	s, info, err := h.locate(t)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = s.Close() }() // nothing is pending there
	switch {
	case info == nil && flags&os.O_CREATE != 0:
		return h.openNew(t, s, flags)
	case info == nil:
		return nil, nil, fs.ErrNotExist
	case info.IsDir():
		return nil, nil, syscall.EISDIR
	case flags&os.O_EXCL != 0:
		return nil, nil, fs.ErrExist
	case rules[modify][h.access] == no:
		return nil, nil, fs.ErrPermission
	case !info.Mode().IsRegular():
		return nil, nil, errNotRegular
	}
	f, err := h.writeInPlace(t, s, flags, flags&(writing|os.O_APPEND))
	if err != nil {
		return nil, nil, err
	}
	// Only of an open file is it certain whose it is, and may it be emptied.
	switch info = f.writer.info; {
	case rules[modify][h.access] == own && !h.own.has(t.name, info):
		err = fs.ErrPermission
	case flags&os.O_TRUNC != 0 && info.Size() > 0:
		err = f.Truncate(0)
	}
	if err != nil {
		_ = f.Close() // nothing was written to it
		return nil, nil, err
	}
	return f, info, nil
}

func (h *Home) openNew(t target, s spot, flags int) (*File, fs.FileInfo, error) {
	if !h.permits(store, t) {
		return nil, nil, fs.ErrPermission
	}
	making := flags&(writing|os.O_APPEND|os.O_EXCL) | os.O_CREATE
	if rules[modify][h.access] != yes {
		making |= os.O_EXCL // another session may just have made it
	}
	f, err := h.writeInPlace(t, s, flags, making)
	if err != nil {
		return nil, nil, err
	}
	h.adopt(f.file)
	if rules[modify][h.access] == own {
		h.own.add(t.name, f.writer.info)
	}
	return f, f.writer.info, nil
}

// writeInPlace opens the file at a spot for an upload that was asked for with
// some flags. Nobody replaces one that is made before it counts.
func (h *Home) writeInPlace(t target, s spot, asked, flags int) (*File, error) {
	if flags&os.O_CREATE != 0 && h.ledger.limited.Load() {
		h.ledger.change.Lock()
		defer h.ledger.change.Unlock()
	}
	w, err := h.ledger.open(s, s.name, flags, h.limit(), false)
	if err != nil {
		return nil, err
	}
	if w, err = w.checked(s, s.name); err != nil {
		return nil, err // it has just been removed, and does not count any more
	}
	return &File{file: w.file, home: h, target: t, writer: w, appends: asked&os.O_APPEND != 0}, nil
}

// openKind opens a file of this kind: 0 is a regular one. Whoever calls has
// looked before that there is one, for opening a FIFO or a device can hang or
// do something: a watchdog that is opened may reboot the host, a tape that is
// closed rewinds. Should one be put in its place this very moment, it is at
// least not waited for (openAtOnce), and closed unread. To open it with O_PATH
// first, and then that by /proc, would leave no such moment, but costs more, and
// there is not always a /proc.
func openKind(in place, name string, flags int, kind fs.FileMode) (*os.File, fs.FileInfo, error) {
	if kind != 0 && kind != fs.ModeDir {
		return nil, nil, errNotRegular
	}
	file, err := openAtOnce(in, name, flags)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().Type() != kind {
		err = errNotRegular
	}
	if err != nil {
		_ = file.Close() // nothing was written to it
		return nil, nil, err
	}
	return file, info, nil
}

// openAtOnce opens a file without waiting for the other end of a FIFO.
func openAtOnce(in place, name string, flags int) (*os.File, error) {
	file, err := in.OpenFile(name, flags|openNonblock, fileMode)
	if errors.Is(err, syscall.EAGAIN) {
		// Somebody holds a lease on the file, as Samba does for its clients
		// (kernel oplocks): the kernel has asked for it back. Wait for that.
		file, err = in.OpenFile(name, flags, fileMode)
	}
	return file, err
}
