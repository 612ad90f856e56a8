package data_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"natftpd/server/data"
)

// segment is the size that the kernel uses on a connection.
func segment(t *testing.T, c *net.TCPConn) int {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var size int
	raw.Control(func(fd uintptr) { size, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) })
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func TestSegmentsAreLimitedAndLetGoAgain(t *testing.T) {
	p, ports := listen(t, 1, time.Minute)
	const limit = 1400
	transfer := func() (ours, theirs int) {
		r := reserve(t, p, "127.0.0.2", ports)
		peer := dial(t, "127.0.0.2", r.Port())
		return segment(t, open(t, r)), segment(t, peer.(*net.TCPConn))
	}
	if err := p.LimitSegments(limit); err != nil {
		t.Fatal(err)
	}
	if ours, theirs := transfer(); ours > limit || theirs > limit {
		t.Errorf("segments of %d and %d bytes, want at most %d both ways", ours, theirs, limit)
	}
	if err := p.LimitSegments(0); err != nil {
		t.Fatal(err)
	}
	if ours, theirs := transfer(); ours <= limit || theirs <= limit {
		t.Errorf("segments of %d and %d bytes after the limit was taken away", ours, theirs)
	}
}

func TestActiveConnectionsHaveLimitedSegments(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := data.Dial(netip.MustParseAddr("127.0.0.1"), l.Addr().(*net.TCPAddr).AddrPort(), 1300).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := segment(t, c); got > 1300 {
		t.Errorf("segments of %d bytes, want at most 1300", got)
	}
}
