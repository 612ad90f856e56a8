package driver

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
)

// maxLinks is how many symbolic links in a row are followed, as on Linux.
const maxLinks = 40

// spot is where a name really leads, all links followed: a place, and the name
// in it. Who asked for it closes the place, or leaves that to an upload.
type spot struct {
	place
	// dir is what the home calls the place: see folder.place. It is not cleaned,
	// for ".." after a link is not the lexical parent.
	dir  string
	name string
}

// locate follows a name to its spot. The info is nil when nothing is there yet.
func (h *Home) locate(t target) (spot, fs.FileInfo, error) {
	local := t.local
	for range maxLinks {
		s, info, err := h.look(local)
		if err != nil || info == nil || info.Mode().Type() != fs.ModeSymlink {
			return s, info, err
		}
		_ = s.Close() // it was only looked at
		link, err := h.root.Readlink(local)
		if err != nil {
			return spot{}, nil, err
		}
		if filepath.IsAbs(link) {
			_, err = h.root.Stat(local) // says why not
			return spot{}, nil, errors.Join(fs.ErrPermission, err)
		}
		local = s.dir + filepath.FromSlash(link)
	}
	return spot{}, nil, syscall.ELOOP
}

// look is locate for one step, which does not follow a link.
func (h *Home) look(local string) (spot, fs.FileInfo, error) {
	dir, name := filepath.Split(local)
	switch {
	case isPartial(name):
		return spot{}, nil, fs.ErrPermission
	case name == "", name == ".", name == "..": // a folder that is not called by its name
		info, err := h.root.Stat(local)
		return spot{homeItself{h.root, nil}, "", local}, info, err
	}
	in, err := h.folder.place(dir)
	if err != nil {
		return spot{}, nil, err
	}
	info, err := in.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return spot{in, dir, name}, nil, nil
	case err != nil:
		_ = in.Close() // nothing was done there
		return spot{}, nil, err
	}
	return spot{in, dir, name}, info, nil
}
