package driver

import (
	"io/fs"
	"log/slog"
	"time"
)

// Files is how homes treat the files that are sent to them. The zero value
// writes in place and leaves modes and owners to the system.
type Files struct {
	// Atomic uploads go into a hidden partial file beside the target, which
	// takes the target's place once it is whole.
	Atomic bool
	// Sync has an upload written to the disk before it is answered, and before
	// it takes the target's place.
	Sync bool
	// KeepPartial is how long the partial file of a broken upload waits to be
	// resumed before it is removed. Zero: it is not kept at all.
	KeepPartial time.Duration
	// Umask is taken from the modes of files and folders made here, in place of
	// the process's. nil: the process's.
	Umask *fs.FileMode
	// Owner is given what is made here, which takes the privilege to do so
	// (CAP_CHOWN). nil: whoever the server runs as.
	Owner *Owner
	// Log is told what goes wrong or is removed in the background. nil: nobody.
	Log *slog.Logger
}

// Owner is a user and a group of the host.
type Owner struct{ UID, GID int } // -1: as it is
