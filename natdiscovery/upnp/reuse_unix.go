//go:build unix

package upnp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reuse lets others listen on the port that the system chooses for a request,
// as soon as the request is over: it may be one of the passive ports, and would
// otherwise stay taken for as long as TIME-WAIT lasts.
func reuse(_, _ string, raw syscall.RawConn) error {
	var err error
	if errControl := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}); errControl != nil {
		return errControl
	}
	return err
}
