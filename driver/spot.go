package driver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxLinks is how many symbolic links in a row are followed, as on Linux.
const maxLinks = 40

// spot is where a name really leads, all links followed: a folder of the home,
// and the name in it. The folder is empty or ends in a separator, and is not
// cleaned, for ".." after a link is not the lexical parent.
type spot struct{ dir, name string }

// sibling is what os.Root calls another name in the same folder.
func (s spot) sibling(name string) string { return s.dir + name }

// folder opens the folder, which the caller closes.
func (s spot) folder(root *os.Root) (*os.Root, error) { return root.OpenRoot(s.folderName()) }

func (s spot) folderName() string {
	if s.dir == "" {
		return "."
	}
	return s.dir
}

// locate follows a name to its spot. The info is nil when nothing is there yet.
func (h *Home) locate(t target) (spot, fs.FileInfo, error) {
	local := t.local
	for range maxLinks {
		var s spot
		s.dir, s.name = filepath.Split(local)
		info, err := h.root.Lstat(local)
		switch {
		case s.name == "", isPartial(s.name):
			return s, nil, fs.ErrPermission
		case errors.Is(err, fs.ErrNotExist):
			return s, nil, nil
		case err != nil:
			return s, nil, err
		case info.Mode().Type() != fs.ModeSymlink:
			return s, info, nil
		}
		link, err := h.root.Readlink(local)
		if err != nil {
			return s, nil, err
		}
		if filepath.IsAbs(link) {
			_, err = h.root.Stat(local) // says why not
			return s, nil, errors.Join(fs.ErrPermission, err)
		}
		local = s.dir + filepath.FromSlash(link)
	}
	return spot{}, nil, syscall.ELOOP
}
