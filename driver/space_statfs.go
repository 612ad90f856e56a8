//go:build linux || darwin || freebsd

package driver

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// availableSpace is what an ordinary user may still write, in bytes.
func availableSpace(dir *os.File) (int64, error) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return 0, err
	}
	var st unix.Statfs_t
	var errStat error
	if err := conn.Control(func(fd uintptr) { errStat = unix.Fstatfs(int(fd), &st) }); err != nil {
		return 0, err
	}
	if errStat != nil {
		return 0, errStat
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
