package driver

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// startBeneath opens a home's directory for openBeneath. nil: there is no
// openat2(2), as before Linux 5.6, or a filter forbids it, as Docker's did
// before 20.10.
func startBeneath(root *os.Root) *os.File {
	start, err := root.Open(".")
	if err != nil {
		return nil
	}
	probe, err := openBeneath(start, ".")
	if err != nil {
		_ = start.Close() // nothing was done in it
		return nil
	}
	_ = probe.Close() // nor there
	return start
}

// openBeneath opens a directory below another. The kernel refuses whatever would
// lead out of that, at any moment of the way: ".." too far, absolute links, links
// to the outside, and those of /proc that are none (RESOLVE_BENEATH and
// RESOLVE_NO_MAGICLINKS, openat2(2)). As os.Root does it goes through other links,
// and into what is mounted there. O_PATH: the directory is not to be read, only
// a place to go on from, so one that may not be listed will do.
func openBeneath(start *os.File, dir string) (place, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	raw, err := start.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	errControl := raw.Control(func(at uintptr) { // start stays open until it returns
		err = again(func() error {
			fd, err = unix.Openat2(int(at), dir, &how)
			return err
		})
	})
	if err = errors.Join(errControl, err); err != nil {
		return nil, err
	}
	return &directory{fd}, nil
}

// directory is a place by its descriptor, for one user at a time. Each name is a
// single step from there, and if it is a link it is not followed, so none leads
// away.
type directory struct{ fd int }

func (d *directory) Close() error {
	fd := d.fd
	if d.fd = -1; fd < 0 {
		return nil
	}
	return unix.Close(fd)
}

func (d *directory) Lstat(name string) (fs.FileInfo, error) {
	s := &status{name: name}
	return s, d.do("lstat", func() error { return unix.Fstatat(d.fd, name, &s.st, unix.AT_SYMLINK_NOFOLLOW) }, name)
}

func (d *directory) OpenFile(name string, flags int, mode fs.FileMode) (*os.File, error) {
	if flags&unix.O_EXCL != 0 {
		flags &^= unix.O_NONBLOCK // what is made is no FIFO, and os.NewFile would only ask epoll for nothing
	}
	fd := -1
	err := d.do("open", func() (err error) {
		fd, err = unix.Openat(d.fd, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(mode.Perm()))
		return err
	}, name)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (d *directory) Link(from, to string) error {
	return d.do("link", func() error { return unix.Linkat(d.fd, from, d.fd, to, 0) }, from, to)
}

func (d *directory) Rename(from, to string) error {
	return d.do("rename", func() error { return unix.Renameat(d.fd, from, d.fd, to) }, from, to)
}

// renameNoReplace fails with fs.ErrExist rather than replace something, and in
// other ways on file systems that don't know how to.
func (d *directory) renameNoReplace(from, to string) error {
	return d.do("rename", func() error { return unix.Renameat2(d.fd, from, d.fd, to, unix.RENAME_NOREPLACE) }, from, to)
}

// renameNoReplace is that of a directory, for os.Root has none.
func (h homeItself) renameNoReplace(from, to string) error {
	if h.start == nil {
		return errors.ErrUnsupported
	}
	raw, err := h.start.SyscallConn()
	if err != nil {
		return err
	}
	errControl := raw.Control(func(at uintptr) { // start stays open until it returns
		err = (&directory{int(at)}).renameNoReplace(from, to)
	})
	return errors.Join(errControl, err)
}

// Remove removes a file.
func (d *directory) Remove(name string) error {
	return d.do("remove", func() error { return unix.Unlinkat(d.fd, name, 0) }, name)
}

// askToWrite reports as an error if a file may not be written. The error is
// errors.ErrUnsupported where there is no faccessat2(2), as before Linux 5.8, or a
// filter forbids it: that is EPERM, which also says that a file is immutable.
func (d *directory) askToWrite(name string) error {
	err := d.do("write", func() error {
		return unix.Faccessat2(d.fd, name, unix.W_OK, unix.AT_EACCESS|unix.AT_SYMLINK_NOFOLLOW)
	}, name)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return errors.ErrUnsupported
	}
	return err
}

// do makes a call with names in the directory.
func (d *directory) do(op string, call func() error, names ...string) error {
	for _, name := range names {
		if name == "" || name == ".." || strings.Contains(name, "/") {
			return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid} // it would lead away
		}
	}
	if err := again(call); err != nil {
		return &fs.PathError{Op: op, Path: names[0], Err: err}
	}
	return nil
}

// again makes a call until no signal interrupts it.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// status is what stat(2) tells of a file.
type status struct {
	name string
	st   unix.Stat_t
}

func (s *status) Name() string       { return s.name }
func (s *status) Size() int64        { return s.st.Size }
func (s *status) Mode() fs.FileMode  { return modeOf(s.st.Mode) }
func (s *status) ModTime() time.Time { return time.Unix(s.st.Mtim.Unix()) }
func (s *status) IsDir() bool        { return s.Mode().IsDir() }
func (s *status) Sys() any           { return &s.st }
