package data

import (
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Listener makes listeners whose connections are tuned: keepalives well below
// the time after which home routers forget an idle connection, and
// TCP_USER_TIMEOUT (RFC 5482), so that a connection whose peer or whose NAT
// mapping died ends after dead instead of after a quarter of an hour. On Linux
// they have it from the listening socket, at no cost for each.
func Listener(dead time.Duration) *net.ListenConfig {
	l := &net.ListenConfig{
		KeepAlive: -1, // not package net's, once more for each connection
		Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { tune(int(fd), dead) })
		},
	}
	// Connections do not have TCP_USER_TIMEOUT from a listener of Multipath TCP,
	// and behind a NAT there is no second path to us.
	l.SetMultipathTCP(false)
	return l
}

// Retune gives the connections that l accepts from now on another bound.
func Retune(l *net.TCPListener, dead time.Duration) {
	if raw, err := l.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { tune(int(fd), dead) })
	}
}

// tune is best effort: where an option is refused, time-outs are longer, not
// wrong.
func tune(fd int, dead time.Duration) {
	for _, option := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive.Idle.Seconds())},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(keepAlive.Interval.Seconds())},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAlive.Count},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(dead.Milliseconds())},
	} {
		_ = unix.SetsockoptInt(fd, option.level, option.name, option.value)
	}
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

// forBulk suits a connection to much that is sent. No segment leaves before it is
// full, or the connection ends, or a fifth of a second has passed (TCP_CORK): what
// sendfile and TLS give to the kernel at a time seldom fills a last segment, which
// would then leave alone. On loopback a download took twice the processor time, and
// elsewhere each segment has a header to pay for. Nor does BBR space them on a short
// path. Best effort.
func forBulk(conn *net.TCPConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1)
			leavePacing(int(fd))
		})
	}
}

// leavePacing takes another congestion control than BBR, which is some hosts'
// default, where there is no line that it could find the rate of: the host itself
// and its wired LAN. It has a timer for the next segment, and four large downloads
// by loopback took half as much processor time again. Cubic is Linux's default
// everywhere else; Reno is always there.
func leavePacing(fd int) {
	name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	if err != nil || !strings.HasPrefix(name, "bbr") {
		return
	}
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil || !isShort(time.Duration(info.Min_rtt)*time.Microsecond) {
		return
	}
	if unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic") != nil {
		_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
	}
}

// isShort tells the shortest round trip of a path within a host or a wired LAN, half a
// millisecond at most, from those of wireless ones and of access lines. One that is not
// known is all ones to Linux, and zero before Linux 4.6.
func isShort(rtt time.Duration) bool { return 0 < rtt && rtt < time.Millisecond }

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
