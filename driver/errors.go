package driver

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// errNotRegular refuses FIFOs, sockets and devices: opening one may hang, or
// wind a tape.
var errNotRegular = errors.New("not a regular file")

// ftpError says what went wrong in FTP paths only. The FTP library replies with
// the error's text, and a host path in it would tell every client where the
// home lies on the disk.
func ftpError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: translate(bare(err))}
}

// bare peels off everything that could carry a host path.
func bare(err error) error {
	for {
		var path *fs.PathError
		var link *os.LinkError
		var call *os.SyscallError
		switch {
		case errors.As(err, &path):
			err = path.Err
		case errors.As(err, &link):
			err = link.Err
		case errors.As(err, &call):
			err = call.Err
		default:
			return err
		}
	}
}

// translate gives a bare error the meaning that the FTP library knows.
func translate(err error) error {
	switch {
	case isStorageFull(err):
		return fmt.Errorf("%w: %w", ftpserver.ErrStorageExceeded, err) // reply 552
	case isPlain(err):
		return err
	default:
		// Package os has errors without a sentinel; the one that matters is
		// "path escapes from parent", a way out of the home.
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
}

func isPlain(err error) bool {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return true
	}
	for _, known := range []error{
		fs.ErrInvalid, fs.ErrPermission, fs.ErrExist, fs.ErrNotExist, fs.ErrClosed,
		errors.ErrUnsupported, io.ErrShortWrite, errNotRegular, ftpserver.ErrFileNameNotAllowed,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
