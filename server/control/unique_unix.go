//go:build unix

package control

import (
	"io/fs"
	"strconv"
	"syscall"
)

// unique tells a file from all others, and is the same under all its names
// (RFC 3659, section 7.5.2): device and inode.
func unique(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return strconv.FormatUint(uint64(st.Dev), 16) + "g" + strconv.FormatUint(uint64(st.Ino), 16)
}
