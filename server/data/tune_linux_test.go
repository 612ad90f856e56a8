package data_test

import (
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"natftpd/server/data"
)

func socketOption(t *testing.T, c *net.TCPConn, level, name int) (value int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) })
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// segment is the size that the kernel uses on a connection.
func segment(t *testing.T, c *net.TCPConn) int {
	t.Helper()
	return socketOption(t, c, unix.IPPROTO_TCP, unix.TCP_MAXSEG)
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

func TestPassiveConnectionsAreTunedByTheirPort(t *testing.T) {
	p, ports := listen(t, 1, 30*time.Second)
	r := reserve(t, p, "127.0.0.2", ports)
	dial(t, "127.0.0.2", r.Port())
	passive := open(t, r)
	for name, option := range map[string]struct{ level, name, want int }{
		"SO_KEEPALIVE":     {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		"TCP_KEEPIDLE":     {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 60},
		"TCP_KEEPINTVL":    {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
		"TCP_KEEPCNT":      {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 4},
		"TCP_USER_TIMEOUT": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30_000},
		"TCP_NODELAY":      {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	} {
		if got := socketOption(t, passive, option.level, option.name); got != option.want {
			t.Errorf("%s is %d, want %d", name, got, option.want)
		}
	}
}

// congestionControl is what the kernel uses on a connection.
func congestionControl(t *testing.T, c *net.TCPConn) (name string) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { name, err = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION) })
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(name, "\x00")
}

func TestBBRIsLeftOnAShortPathAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name, was, want string
		size            int
	}{
		{"a large download to this host leaves BBR", "bbr", "cubic", 1 << 20},
		{"a small one is over before it matters", "bbr", "bbr", 4 << 10},
		{"what else the host has chosen stays", "reno", "reno", 1 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			raw, err := ours.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			raw.Control(func(fd uintptr) { err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, c.was) })
			switch {
			case err == nil:
			case os.Getenv("CI") == "true":
				t.Fatal(err)
			default:
				t.Skipf("this kernel lets nobody use %s: %v", c.was, err)
			}
			go io.Copy(io.Discard, theirs)
			conn := data.NewConn(ours, nil, time.Minute, data.Pace{})
			defer conn.Close()
			conn.Expect(int64(c.size))
			if _, err := io.Copy(conn, tempFile(t, make([]byte, c.size))); err != nil {
				t.Fatal(err)
			}
			if got := congestionControl(t, ours); got != c.want {
				t.Errorf("the download had %s, want %s", got, c.want)
			}
		})
	}
}
