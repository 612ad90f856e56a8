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
	return &File{file: file, home: h, target: t}, info, nil
}

func (h *Home) openToRead(t target) (*os.File, fs.FileInfo, error) {
	info, err := h.root.Stat(t.local)
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		if !h.permits(list, t) {
			return nil, nil, fs.ErrPermission
		}
	case !h.permits(download, t):
		return nil, nil, fs.ErrPermission
	}
	return openKind(h.root, t.local, os.O_RDONLY, info.Mode().Type())
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
	info, err := h.root.Stat(t.local)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flags&os.O_CREATE != 0:
		return h.openNew(t, flags)
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		return nil, nil, syscall.EISDIR
	case flags&os.O_EXCL != 0:
		return nil, nil, fs.ErrExist
	case rules[modify][h.access] == no:
		return nil, nil, fs.ErrPermission
	}
	file, info, err := openKind(h.root, t.local, flags&(writing|os.O_APPEND), info.Mode().Type())
	if err != nil {
		return nil, nil, err
	}
	f, err := h.writeInPlace(t, file, flags)
	if err != nil {
		return nil, nil, err
	}
	// Only of an open file is it certain whose it is, and may it be emptied.
	switch {
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

// writeInPlace closes the file if it fails.
func (h *Home) writeInPlace(t target, file *os.File, flags int) (*File, error) {
	w, err := h.ledger.begin(file, h.limit(), false)
	if err != nil {
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	if now, err := h.root.Stat(t.local); err != nil || !os.SameFile(now, w.entry.info) {
		w.letGo()
		return nil, errWritten // it has just been removed, and does not count any more
	}
	return &File{file: file, home: h, target: t, writer: w, appends: flags&os.O_APPEND != 0}, nil
}

func (h *Home) openNew(t target, flags int) (*File, fs.FileInfo, error) {
	if !h.permits(store, t) {
		return nil, nil, fs.ErrPermission
	}
	flags = flags&(writing|os.O_APPEND|os.O_EXCL) | os.O_CREATE
	if rules[modify][h.access] != yes {
		flags |= os.O_EXCL // another session may just have made it
	}
	file, info, err := openKind(h.root, t.local, flags, 0)
	if err != nil {
		return nil, nil, err
	}
	h.adopt(file)
	if rules[modify][h.access] == own {
		h.own.add(t.name, info)
	}
	f, err := h.writeInPlace(t, file, flags)
	return f, info, err
}

// openKind opens a file of this kind: 0 is a regular one. Whoever calls has
// looked before that there is one, for opening a FIFO or a device can hang or
// do something; should one be put in its place this very moment, openNonblock
// keeps it from hanging, and it is closed unread.
func openKind(root *os.Root, local string, flags int, kind fs.FileMode) (*os.File, fs.FileInfo, error) {
	if kind != 0 && kind != fs.ModeDir {
		return nil, nil, errNotRegular
	}
	file, err := root.OpenFile(local, flags|openNonblock, fileMode)
	if errors.Is(err, syscall.EAGAIN) {
		// Somebody holds a lease on the file, as Samba does for its clients
		// (kernel oplocks): the kernel has asked for it back. Wait for that.
		file, err = root.OpenFile(local, flags, fileMode)
	}
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
