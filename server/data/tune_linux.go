package data

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Tune sets what every TCP connection of ours has: Nagle off, keepalives well
// below the time after which home routers forget an idle connection, and
// TCP_USER_TIMEOUT (RFC 5482), so that a connection whose peer or whose NAT
// mapping died ends after dead instead of after a quarter of an hour.
func Tune(conn *net.TCPConn, dead time.Duration) {
	conn.SetKeepAliveConfig(keepAlive)
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		// Best effort: an old kernel's time-outs are longer, not wrong.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(dead.Milliseconds()))
	})
}

// acknowledgeAtOnce ends the delayed acknowledgements that a handshake's to and
// fro has switched on. A client whose TLS library leaves Nagle on (Python's, for
// one) otherwise waits 40 ms for the acknowledgement of its data before it sends
// its close_notify, for each file. Best effort; the kernel decides anew later.
func acknowledgeAtOnce(conn *net.TCPConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		})
	}
}

// setMaxSegment clamps the size of TCP segments, ours and the peer's, on a socket
// that is not connected yet or that listens: a path that swallows larger
// packets and the routers' word of it (PPPoE) stays usable. Zero leaves the
// kernel its choice.
func setMaxSegment(raw syscall.RawConn, size int) error {
	var err error
	if errControl := raw.Control(func(fd uintptr) {
		err = os.NewSyscallError("setsockopt TCP_MAXSEG", unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, size))
	}); errControl != nil {
		return errControl
	}
	return err
}
