package driver

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// listBatch is how many entries are read from a directory at once, where the
// host does not know it better.
const listBatch = 1024

// Stat describes a file, for SIZE, MDTM and MLST. While an upload of the account
// waits to be resumed under this name, that is what it describes. A symbolic
// link is followed inside the home; one that leads out of it is an error.
func (h *Home) Stat(name string) (fs.FileInfo, error) { return h.stat(name, true) }

// StatWhole describes a file as listings do: an upload that waits to be resumed
// does not count.
func (h *Home) StatWhole(name string) (fs.FileInfo, error) { return h.stat(name, false) }

func (h *Home) stat(name string, waiting bool) (fs.FileInfo, error) {
	t, err := h.resolve("stat", name)
	if err != nil {
		return nil, err
	}
	if !h.permits(list, t) {
		return nil, t.fail(fs.ErrPermission)
	}
	s, info, err := h.locate(t)
	if err != nil {
		return nil, t.fail(err)
	}
	defer func() { _ = s.Close() }() // it was only looked at
	if waiting && h.resumes() && (info == nil || info.Mode().IsRegular()) {
		if partial := h.statPartial(t, s, info); partial != nil {
			info = partial
		}
	}
	if info == nil {
		return nil, t.fail(fs.ErrNotExist)
	}
	return named{info, path.Base(t.name)}, nil
}

// ReadDir lists a directory, sorted by name. A symbolic link that works is
// listed as what it leads to, so that clients walk through it; one that leads
// nowhere or out of the home as the link it is. Names with control characters
// are left out: in a listing they would make lines of their own. So are partials,
// and a file that vanishes meanwhile.
func (h *Home) ReadDir(name string) ([]fs.FileInfo, error) {
	dir, err := h.OpenDir(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // it was only read

	all, err := dir.Readdir(-1)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// Entries appends the next entries of a directory, as many as are cheap to have
// at once, as ReadDir would tell them but in the order of the disk. Of namesOnly
// nothing is told but the names, which spares a look at each file. io.EOF: there
// are no more.
func (f *File) Entries(to []Entry, namesOnly bool) ([]Entry, error) {
	first := len(to)
	to, err := scan(f.file, to, namesOnly)
	for i := first; i < len(to); i++ {
		if e := &to[i]; e.mode.Type() == fs.ModeSymlink {
			if there, err := f.home.root.Stat(filepath.Join(f.target.local, e.name)); err == nil {
				*e = *entryOf(there, e.name)
			}
		}
	}
	return to, f.fail("readdir", err)
}

// isHidden tells the names that no listing has.
func isHidden(name string) bool { return !isPrintable(name) || isPartial(name) }

// GetAvailableSpace is how many bytes may still be stored below a directory
// (AVBL): what the disk has, and the quota leaves.
func (h *Home) GetAvailableSpace(name string) (int64, error) {
	t, err := h.resolve("statfs", name)
	if err != nil {
		return 0, err
	}
	dir, _, err := h.open(t, os.O_RDONLY)
	if err != nil {
		return 0, t.fail(err)
	}
	defer func() { _ = dir.Close() }() // it was only read

	free, err := availableSpace(dir.file)
	if err != nil {
		return 0, t.fail(err)
	}
	if !h.ledger.limited.Load() {
		return free, nil
	}
	if err := h.ledger.ready(context.Background(), h.root); err != nil {
		return 0, t.fail(err)
	}
	return min(free, h.ledger.free(h.limit())), nil
}
