package data

import (
	"net"
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
