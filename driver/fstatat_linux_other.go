//go:build linux && !amd64 && !arm64

package driver

import (
	"errors"

	"golang.org/x/sys/unix"
)

// fstatat is fstatat(2) of what a record of getdents64(2) names. The call, and
// what it tells, differ too much between these processors to make it by hand. A
// link is not followed.
func fstatat(dir int, _ []byte, name string, st *unix.Stat_t) error {
	err := unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW)
	for errors.Is(err, unix.EINTR) {
		err = unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW)
	}
	return err
}
