package driver

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Mkdir makes a directory (MKD). The mode is ignored: see directoryMode.
func (h *Home) Mkdir(name string, _ fs.FileMode) error {
	return h.change(makeDirectory, "mkdir", name, func(t target) error {
		if err := h.mkdir(t.local); err != nil || rules[rename][h.access] != own {
			return err
		}
		info, err := h.root.Lstat(t.local)
		if err != nil {
			return err
		}
		h.own.add(t.name, info)
		return nil
	})
}

// MkdirAll makes a directory and those above it (SITE MKDIR). One that exists
// is no error. The mode is ignored.
func (h *Home) MkdirAll(name string, _ fs.FileMode) error {
	return h.change(makeDirectory, "mkdir", name, func(t target) error {
		for i, r := range t.local + string(filepath.Separator) {
			if r != filepath.Separator {
				continue
			}
			if err := h.mkdir(t.local[:i]); err != nil && !h.isFolder(t.local[:i]) {
				return err
			}
		}
		return nil
	})
}

func (h *Home) isFolder(local string) bool {
	info, err := h.root.Stat(local)
	return err == nil && info.IsDir()
}

// Remove deletes a file (DELE), or a symbolic link, never what it points to. A
// directory is refused. With a file goes the account's interrupted upload of it,
// which may also be all that there is.
func (h *Home) Remove(name string) error {
	return h.change(remove, "remove", name, func(t target) error {
		info, err := h.root.Lstat(t.local)
		switch {
		case err == nil && info.IsDir():
			return syscall.EISDIR
		case err == nil:
			err = h.ledger.remove(h.root, t.local)
		}
		missing := errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			return err
		}
		h.forgetTold(t.name)
		if errPartial := h.discardPartial(t); missing && !errors.Is(errPartial, fs.ErrNotExist) {
			return errPartial
		}
		return err
	})
}

// RemoveDir deletes an empty directory (RMD), and interrupted uploads that are
// all there is in it. A file is refused.
func (h *Home) RemoveDir(name string) error {
	return h.change(remove, "rmdir", name, func(t target) error {
		info, err := h.root.Lstat(t.local)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return syscall.ENOTDIR
		}
		err = h.root.Remove(t.local)
		if errors.Is(err, fs.ErrExist) { // it is not empty
			switch gone, errPartials := h.discardPartials(t.local); {
			case errPartials != nil:
				return errPartials
			case gone:
				return h.root.Remove(t.local)
			}
		}
		return err
	})
}

// RemoveAll deletes a directory with all below it (SITE RMDIR). What does not
// exist is no error.
func (h *Home) RemoveAll(name string) error {
	return h.change(remove, "remove", name, func(t target) error {
		return h.removeAll(t.local)
	})
}

// Rename moves a file or directory (RNFR, RNTO). An existing file is replaced
// where the account may; an existing directory never is.
func (h *Home) Rename(from, to string) error {
	src, err := h.resolve("rename", from)
	if err != nil {
		return err
	}
	dst, err := h.resolve("rename", to)
	if err != nil {
		return err
	}
	if src.isHome() || dst.isHome() || !h.permits(rename, src) {
		return src.fail(fs.ErrPermission)
	}
	move := h.ledger.rename
	if !h.permits(replace, dst) {
		move = h.ledger.renameToNew
	}
	switch err := move(h.root, src.local, dst.local); {
	case errors.Is(err, fs.ErrExist):
		return dst.fail(err)
	case err != nil:
		return src.fail(err)
	}
	h.own.renamed(src.name, dst.name)
	return nil
}

// removeAll deletes a directory with all below it. In a home with a quota each
// file is counted out as it goes.
func (h *Home) removeAll(local string) error {
	if !h.ledger.limited.Load() {
		return h.root.RemoveAll(local)
	}
	info, err := h.root.Lstat(local)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return h.ledger.remove(h.root, local)
	}
	folders := []string{local}
	err = walk(context.Background(), h.root, local, 0, func(below string, info fs.FileInfo) {
		if info.IsDir() {
			folders = append(folders, below)
		} else {
			_ = h.ledger.remove(h.root, below) // if it stays, its folder does and tells
		}
	})
	for _, folder := range slices.Backward(folders) {
		if err == nil {
			err = h.root.Remove(folder)
		}
	}
	return err
}

// Chmod sets the permission bits of a file (SITE CHMOD); set-uid, set-gid and
// sticky are dropped.
func (h *Home) Chmod(name string, mode fs.FileMode) error {
	return h.change(setMode, "chmod", name, func(t target) error {
		return h.root.Chmod(t.local, mode&fs.ModePerm)
	})
}

// Chtimes sets the times of a file (MFMT).
func (h *Home) Chtimes(name string, accessed, modified time.Time) error {
	return h.change(setTimes, "chtimes", name, func(t target) error {
		return h.root.Chtimes(t.local, accessed, modified)
	})
}

// Chown is refused to everybody.
func (h *Home) Chown(name string, uid, gid int) error {
	return h.change(setOwner, "chown", name, func(t target) error {
		return h.root.Chown(t.local, uid, gid)
	})
}
