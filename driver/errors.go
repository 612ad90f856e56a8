package driver

import (
	"errors"
	"fmt"
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
	err = bare(err)
	// What is not there and what is kept from a client are told in the same words.
	if errno, ok := err.(syscall.Errno); ok && errno.Is(fs.ErrNotExist) {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: name, Err: storageError(err)}
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

// storageError makes a full disk known to the FTP library (reply 552).
func storageError(err error) error {
	if isStorageFull(err) {
		return fmt.Errorf("%w: %w", ftpserver.ErrStorageExceeded, err)
	}
	return err
}

// rootError gives an error of os.Root a meaning that callers can ask for. Those
// without a sentinel say that a name is not for us; the one that matters is
// "path escapes from parent", a way out of the home.
func rootError(err error) error {
	if err == nil {
		return nil
	}
	err = bare(err)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return err
	}
	for _, known := range []error{
		fs.ErrInvalid, fs.ErrPermission, fs.ErrExist, fs.ErrNotExist, fs.ErrClosed, errors.ErrUnsupported, errNotRegular,
		ErrFileBusy, ErrUploadWaiting, ftpserver.ErrStorageExceeded,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", fs.ErrPermission, err)
}
