package driver

import (
	"io/fs"
	"os"
	"time"
)

// Entry is what a listing tells of a file. It is a fs.FileInfo whose Sys is nil.
type Entry struct {
	name     string
	size     int64
	seconds  int64 // modified, since 1970, with nanos: half of a time.Time, of which listings have many
	nanos    int32
	mode     fs.FileMode
	identity Identity
}

// Identity tells a file from all others on the host, and is the same under all
// its names. The zero value: the host knows no such thing.
type Identity struct{ Device, Inode uint64 }

// sameFile is os.SameFile, also for what package os has not described.
func sameFile(a, b fs.FileInfo) bool {
	if id := identityOf(a); id != (Identity{}) {
		return id == identityOf(b)
	}
	return os.SameFile(a, b)
}

// EntryOf is the entry of a file that Stat has described.
func EntryOf(info fs.FileInfo) *Entry { return entryOf(info, info.Name()) }

func entryOf(info fs.FileInfo, name string) *Entry {
	modified := info.ModTime()
	return &Entry{name, info.Size(), modified.Unix(), int32(modified.Nanosecond()), info.Mode(), identityOf(info)}
}

// Name is the last part of the FTP path.
func (e *Entry) Name() string { return e.name }

// Size is in bytes.
func (e *Entry) Size() int64 { return e.size }

// Mode is type and permissions.
func (e *Entry) Mode() fs.FileMode { return e.mode }

// ModTime is when the content was last changed.
func (e *Entry) ModTime() time.Time { return time.Unix(e.seconds, int64(e.nanos)) }

// IsDir reports whether it is a directory.
func (e *Entry) IsDir() bool { return e.mode.IsDir() }

// Sys is nil: see Identity for what matters of it.
func (e *Entry) Sys() any { return nil }

// Identity tells the file from others.
func (e *Entry) Identity() Identity { return e.identity }
