package control

import (
	"errors"
	"io/fs"
	"strings"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"natftpd/driver"
)

// refuse says why something can't be done with a file.
func (s *session) refuse(err error) { s.say(s.refusalOf(err)) }

// mend makes the client's reply out of one of the library's: what the home
// refused in our own words, all else without the library's internals.
func (s *session) mend(r reply) reply {
	if r.code >= 400 && s.failed != nil {
		return s.refusalOf(s.failed)
	}
	return clean(r)
}

// refusalOf is the reply to what the home refused: the FTP path and why, in the
// codes of RFC 959, section 4.2.
func (s *session) refusalOf(err error) reply {
	name := ""
	var at *fs.PathError
	if errors.As(err, &at) {
		name, err = at.Path+": ", at.Err
	}
	switch {
	case errors.Is(err, driver.ErrUploadWaiting), errors.Is(err, driver.ErrFileBusy):
		return line(450, "%s%s.", name, err)
	case errors.Is(err, ftpserver.ErrStorageExceeded):
		return full(name + err.Error())
	case errors.Is(err, ftpserver.ErrFileNameNotAllowed):
		return line(553, "%sthis name is not allowed. Choose another.", name)
	case errors.Is(err, fs.ErrPermission) && s.account.Access != driver.ReadWrite:
		return line(550, "%snot permitted: your account is %s.", name, s.account.Access)
	}
	return line(550, "%s%s.", name, err)
}

// full is the reply to a disk or a quota that is full. The text may say which
// operation found that out, and what kind of error it is: the code says that.
func full(text string) reply {
	if name, why, ok := strings.Cut(text, ftpserver.ErrStorageExceeded.Error()+": "); ok {
		if slash := strings.IndexByte(name, '/'); slash > 0 {
			name = name[slash:]
		}
		text = name + why
	}
	return line(552, "%s. Remove something first.", text)
}

// home is a session's home as the library sees it. What is refused is noted, for
// the library keeps nothing of an error but its text.
type home struct {
	*driver.Home
	s *session
}

func (h home) note(err error) error {
	if err != nil {
		h.s.failed = err
	}
	return err
}

func (h home) Stat(name string) (fs.FileInfo, error) {
	info, err := h.Home.Stat(name)
	return info, h.note(err)
}

func (h home) Mkdir(name string, mode fs.FileMode) error { return h.note(h.Home.Mkdir(name, mode)) }
func (h home) MkdirAll(name string, mode fs.FileMode) error {
	return h.note(h.Home.MkdirAll(name, mode))
}
func (h home) Remove(name string) error                  { return h.note(h.Home.Remove(name)) }
func (h home) RemoveDir(name string) error               { return h.note(h.Home.RemoveDir(name)) }
func (h home) Rename(from, to string) error              { return h.note(h.Home.Rename(from, to)) }
func (h home) Chmod(name string, mode fs.FileMode) error { return h.note(h.Home.Chmod(name, mode)) }
