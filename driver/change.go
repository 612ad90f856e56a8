package driver

import (
	"errors"
	"io/fs"
	"syscall"
	"time"
)

// Modes of what is made here; the umask of the process takes its share. The
// modes that the FTP library asks for are its own constants, not the client's wish.
const (
	fileMode      fs.FileMode = 0o666
	directoryMode fs.FileMode = 0o777
)

// Mkdir makes a directory (MKD). The mode is ignored: see directoryMode.
func (h *Home) Mkdir(name string, _ fs.FileMode) error {
	return h.change(makeDirectory, "mkdir", name, func(t target) error {
		if err := h.root.Mkdir(t.local, directoryMode); err != nil || rules[rename][h.access] != own {
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
		return h.root.MkdirAll(t.local, directoryMode)
	})
}

// Remove deletes a file (DELE), or a symbolic link, never what it points to. A
// directory is refused.
func (h *Home) Remove(name string) error {
	return h.change(remove, "remove", name, func(t target) error {
		info, err := h.root.Lstat(t.local)
		if err != nil {
			return err
		}
		if info.IsDir() {
			return syscall.EISDIR
		}
		return h.root.Remove(t.local)
	})
}

// RemoveDir deletes an empty directory (RMD). A file is refused.
func (h *Home) RemoveDir(name string) error {
	return h.change(remove, "rmdir", name, func(t target) error {
		info, err := h.root.Lstat(t.local)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return syscall.ENOTDIR
		}
		return h.root.Remove(t.local)
	})
}

// RemoveAll deletes a directory with all below it (SITE RMDIR). What does not
// exist is no error.
func (h *Home) RemoveAll(name string) error {
	return h.change(remove, "remove", name, func(t target) error {
		return h.root.RemoveAll(t.local)
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
	move := h.root.Rename
	if !h.permits(replace, dst) {
		move = h.renameToNew
	}
	switch err := move(src.local, dst.local); {
	case errors.Is(err, fs.ErrExist):
		return dst.fail(err)
	case err != nil:
		return src.fail(err)
	}
	h.own.renamed(src.name, dst.name)
	return nil
}

// renameToNew never replaces a file, not even one that appears this moment: a
// hard link can't. Directories and file systems without links (FAT) take the
// second way; rename(2) itself replaces no file by a directory.
func (h *Home) renameToNew(from, to string) error {
	err := h.root.Link(from, to)
	switch {
	case err == nil:
		return h.root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	if _, err := h.root.Lstat(to); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return h.root.Rename(from, to)
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
