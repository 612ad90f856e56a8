package driver

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// openNonblock has no meaning on Windows, whose files can't be FIFOs.
const openNonblock = 0

// isStorageFull knows a full disk and a used-up quota of the host.
func isStorageFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

// checkWritable finds nothing to warn of: access lists on Windows tell the
// truth only when a file is made.
func checkWritable(string) error { return nil }

// flushed has nothing to do: closing a file tells nothing new on Windows.
func flushed(*os.File) error { return nil }

// ownerOf is not known: Windows has access lists.
func ownerOf(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

// identityOf is not known: Windows tells it of open files only.
func identityOf(fs.FileInfo) Identity { return Identity{} }

// syncFolder has nothing to do: Windows writes names to the disk by itself.
func syncFolder(place) error { return nil }
