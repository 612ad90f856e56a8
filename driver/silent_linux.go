package driver

import (
	"os"

	"golang.org/x/sys/unix"
)

// closesSilently reports whether closing a file in a directory writes nothing and
// tells nothing: close(2) returns what the file system's flush does, and those of
// local disks have none. All others may, as network file systems, FUSE, and what
// lies over another one do.
func closesSilently(dir *os.File) bool {
	st, err := statfs(dir)
	if err != nil {
		return false
	}
	switch uint32(st.Type) { // of other types, by processor
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true // the first one is also that of ext2 and ext3
	default:
		return false
	}
}
