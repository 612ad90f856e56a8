package driver

import (
	"io/fs"
	"os"
)

// Modes of what is made here, before the umask takes its share. The modes that
// the FTP library asks for are its own constants, not the client's wish.
const (
	fileMode      fs.FileMode = 0o666
	directoryMode fs.FileMode = 0o777
)

// adopt gives a file that was just made the mode and the owner of Files. A file
// system that knows neither (FAT, some network shares) is no reason to refuse
// an upload: the operator is told once.
func (h *Home) adopt(file *os.File) {
	if o := h.files.Owner; o != nil {
		h.warn(file.Chown(o.UID, o.GID))
	}
	if u := h.files.Umask; u != nil {
		h.warn(file.Chmod(fileMode &^ *u))
	}
}

// mkdir makes one directory, with the mode and the owner of Files. Where
// the folder above hands its group on (set-gid), that stays.
func (h *Home) mkdir(local string) error {
	if err := h.root.Mkdir(local, directoryMode); err != nil {
		return err
	}
	if o := h.files.Owner; o != nil {
		h.warn(h.root.Lchown(local, o.UID, o.GID))
	}
	if u := h.files.Umask; u != nil {
		info, err := h.root.Lstat(local)
		if err == nil && info.IsDir() {
			err = h.root.Chmod(local, directoryMode&^*u|info.Mode()&fs.ModeSetgid)
		}
		h.warn(err)
	}
	return nil
}

// inherit gives a file the permissions of the one that it replaces, and its
// owner where the host lets it.
func (h *Home) inherit(w *writer, old fs.FileInfo) {
	file, info := w.file, w.info
	if h.files.Owner != nil || h.files.Umask != nil { // it was adopted since
		var err error
		if info, err = file.Stat(); err != nil {
			return // closing it tells
		}
	}
	if uid, gid, ok := ownerOf(old); ok {
		if u, g, _ := ownerOf(info); u != uid || g != gid {
			_ = file.Chown(uid, gid) // only root may
		}
	}
	if info.Mode().Perm() != old.Mode().Perm() {
		h.warn(file.Chmod(old.Mode().Perm()))
	}
}

func (h *Home) warn(err error) {
	if err == nil {
		return
	}
	h.ledger.warned.Do(func() {
		h.ledger.log.Warn("mode or owner of a new file could not be set", "home", h.root.Name(), "error", bare(err))
	})
}
