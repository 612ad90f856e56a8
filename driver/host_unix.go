//go:build unix

package driver

import (
	"errors"

	"golang.org/x/sys/unix"
)

// openNonblock keeps open(2) of a FIFO from waiting for its other end. Regular
// files don't mind it.
const openNonblock = unix.O_NONBLOCK

// isStorageFull knows a full disk and a used-up quota of the host.
func isStorageFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// checkWritable asks the kernel whether this process may make files in a
// folder, and leaves no trace in it.
func checkWritable(folder string) error {
	return unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}
