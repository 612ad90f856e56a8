package driver

import (
	"io/fs"
	"os"
)

// place is a directory of a home that is held open, and what is done to the
// names in it. An os.Root is one. On Linux there is one that costs less
// (place_linux.go).
type place interface {
	Lstat(name string) (fs.FileInfo, error)
	OpenFile(name string, flags int, mode fs.FileMode) (*os.File, error)
	Link(from, to string) error
	Rename(from, to string) error
	Remove(name string) error
	Close() error // may be called twice
}

// homeItself is the home's own directory as a place. Right in it there is no way to
// go, and os.Root needs no more calls than anybody, but has none that renames
// without replacing.
type homeItself struct {
	*os.Root
	start *os.File // see folder; nil: that is not needed, or there is none
}

// Close leaves the directory open: the sessions share it.
func (homeItself) Close() error { return nil }

// place opens the directory that a name leads to: the empty one to the home's
// own, others end in a separator.
//
// os.Root opens one folder after the other on its way, and closes them again,
// each time anew. Linux goes the same way in one call, and as far: it is asked to
// stay beneath the home. What it then does not open, for whatever reason, os.Root
// tries, too: so that what can be reached is the same everywhere, and so is what
// is told of the rest.
func (f *folder) place(dir string) (place, error) {
	if dir == "" {
		return homeItself{f.root, f.start}, nil
	}
	if f.start != nil {
		if p, err := openBeneath(f.start, dir); err == nil {
			return p, nil
		}
	}
	p, err := f.root.OpenRoot(dir)
	if err != nil {
		return nil, err // and no place that is a nil *os.Root
	}
	return p, nil
}
