//go:build unix

package driver

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openNonblock keeps open(2) of a FIFO from waiting for its other end. Regular
// files don't mind it.
const openNonblock = unix.O_NONBLOCK

// isStorageFull knows a full disk, a used-up quota of the host, and a file that is
// too long for the file system (4 GiB on FAT).
func isStorageFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

// checkWritable asks the kernel whether this process may make files in a
// folder, and leaves no trace in it.
func checkWritable(folder string) error {
	return unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

// flushed writes what a network file system keeps until a file is closed, and
// tells what closing it would tell, but leaves it open. See closesSilently.
func flushed(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	errControl := raw.Control(func(fd uintptr) {
		var twin int
		if twin, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			err = unix.Close(twin)
		}
	})
	return errors.Join(errControl, err)
}

// ownerOf is whose a file is.
func ownerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	switch st := info.Sys().(type) {
	case *syscall.Stat_t: // of package os
		return int(st.Uid), int(st.Gid), true
	case *unix.Stat_t: // of a directory
		return int(st.Uid), int(st.Gid), true
	}
	return 0, 0, false
}

// identityOf tells a file from others.
func identityOf(info fs.FileInfo) Identity {
	switch st := info.Sys().(type) { // whose numbers are of other types, by system
	case *syscall.Stat_t:
		return Identity{uint64(st.Dev), uint64(st.Ino)}
	case *unix.Stat_t:
		return Identity{uint64(st.Dev), uint64(st.Ino)}
	}
	return Identity{}
}

// syncFolder writes the names in a folder to the disk, where the file system
// has a way to.
func syncFolder(folder place) error {
	dir, err := folder.OpenFile(".", os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
