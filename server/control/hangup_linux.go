package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// established is a connection that neither side has ended, in the kernel's numbers
// (TCP_ESTABLISHED of its tcp_states.h).
const established = 1

// hungUp tells whether the client has ended a control connection, with nothing
// said that is not yet read.
func hungUp(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	ended := false
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.State == established {
			return
		}
		unread, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		ended = err == nil && unread == 0
	})
	return ended || err != nil
}
