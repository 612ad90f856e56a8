//go:build unix

package cmd

import (
	"fmt"
	"os"
	"syscall"
)

// deviceAndInode says which file f is, as $JOURNAL_STREAM does; "": nobody knows.
func deviceAndInode(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}
