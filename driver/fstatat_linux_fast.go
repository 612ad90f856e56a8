//go:build linux && (amd64 || arm64)

package driver

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fstatat is fstatat(2) of what a record of getdents64(2) names, where its name
// lies: unix.Fstatat would copy each of them to put the NUL behind it that is
// there already. A link is not followed.
func fstatat(dir int, record []byte, _ string, st *unix.Stat_t) error {
	for {
		_, _, errno := unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(dir), uintptr(unsafe.Pointer(&record[recordName])),
			uintptr(unsafe.Pointer(st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
		switch {
		case errno == 0:
			return nil
		case !errors.Is(errno, unix.EINTR):
			return errno
		}
	}
}
