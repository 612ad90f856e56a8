//go:build linux || darwin || freebsd

package driver

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// availableSpace is what an ordinary user may still write, in bytes.
func availableSpace(dir *os.File) (int64, error) {
	st, err := statfs(dir)
	if err != nil {
		return 0, err
	}
	blocks, size := int64(st.Bavail), int64(st.Bsize) // signed or not, by system
	if blocks < 0 {
		return 0, nil // FreeBSD: the reserve for root is in use
	}
	if size > 0 && blocks > math.MaxInt64/size {
		return math.MaxInt64, nil
	}
	return blocks * size, nil
}

// statfs describes the file system that a directory lies in.
func statfs(dir *os.File) (st unix.Statfs_t, err error) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return st, err
	}
	errControl := conn.Control(func(fd uintptr) { err = unix.Fstatfs(int(fd), &st) })
	return st, errors.Join(errControl, err)
}
