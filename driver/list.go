package driver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// listBatch is how many names are read from a directory at once.
const listBatch = 1024

// Stat describes a file. A symbolic link is followed inside the home; one that
// leads out of it is an error.
func (h *Home) Stat(name string) (fs.FileInfo, error) {
	t, err := h.resolve("stat", name)
	if err != nil {
		return nil, err
	}
	if !h.permits(list, t) {
		return nil, t.fail(fs.ErrPermission)
	}
	info, err := h.root.Stat(t.local)
	if err != nil {
		return nil, t.fail(err)
	}
	return named{info, path.Base(t.name)}, nil
}

// ReadDir lists a directory, sorted by name. A symbolic link that works is
// listed as what it leads to, so that clients walk through it; one that leads
// nowhere or out of the home as the link it is. Names with control characters
// are left out: in a listing they would make lines of their own. So is a file
// that vanishes meanwhile.
func (h *Home) ReadDir(name string) ([]fs.FileInfo, error) {
	t, err := h.resolve("readdir", name)
	if err != nil {
		return nil, err
	}
	dir, _, err := h.open(t, os.O_RDONLY)
	if err != nil {
		return nil, t.fail(err)
	}
	defer func() { _ = dir.Close() }() // it was only read

	var all []fs.FileInfo
	for err == nil {
		var some []fs.FileInfo
		some, err = dir.Readdir(listBatch)
		all = append(all, some...)
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// entries describes the files of these names in a directory.
func (h *Home) entries(dir target, names []string) ([]fs.FileInfo, error) {
	infos := make([]fs.FileInfo, 0, len(names))
	for _, name := range names {
		info, err := h.entry(filepath.Join(dir.local, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, ftpError("readdir", path.Join(dir.name, name), err)
		}
		infos = append(infos, named{info, name})
	}
	return infos, nil
}

func (h *Home) entry(local string) (fs.FileInfo, error) {
	info, err := h.root.Lstat(local)
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		return info, err
	}
	if there, err := h.root.Stat(local); err == nil {
		return there, nil
	}
	return info, nil
}

func printable(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !isPrintable(name) })
}

// GetAvailableSpace is how many bytes may still be stored below a directory
// (AVBL).
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
	return free, nil
}
