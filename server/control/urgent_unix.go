//go:build unix

package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// inlineUrgent keeps urgent bytes in the stream: clients send the Telnet Synch
// before ABOR as urgent data (RFC 959, section 4.1.3), and a lost byte of it
// would stick to the command.
func inlineUrgent(conn *net.TCPConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_OOBINLINE, 1)
		})
	}
}
