//go:build linux

package integration

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"natftpd/integration/lab"
)

// measuredWithin is when the path MTU must be known and the listeners must heed it.
const measuredWithin = 30 * time.Second

// A line of PPPoE that swallows larger packets and tells nobody: with nothing set,
// natftpd measures it and asks both ends for smaller ones.
func TestPPPoEBlackHole(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{UPnP: lab.IGD2, PPPoE: true})
	s := serve(t, l.Server, 2121, l.STUN)
	lab.Await(t, mappedWithin, func() error { return told(l.Internet, s.at(lab.WANAddr), lab.WANAddr) })
	lab.Await(t, measuredWithin, func() error { return segmentsFit(l.Internet, s) })
	want := make([]byte, 2<<20)
	if _, err := rand.Read(want); err != nil {
		t.Fatal(err)
	}
	c := s.login(t, l.Internet, lab.WANAddr)
	if err := c.upload(l.Internet, "up.bin", want); err != nil {
		t.Fatal(err)
	}
	mustHold(t, filepath.Join(s.home, "up.bin"), want)
	got, err := c.download(l.Internet, "up.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("download: got %d bytes that differ from the %d sent", len(got), len(want))
	}
}

// segmentsFit says whether the server asks a client for segments that fit a line of
// 1492 bytes.
func segmentsFit(h *lab.Host, s *server) error {
	const most = 1492 - 20 - 20 - 12 // IPv4, TCP and its time stamps
	conn, err := h.Dial(s.at(lab.WANAddr))
	if err != nil {
		return err
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	size := 0
	if err2 := raw.Control(func(fd uintptr) { size, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) }); err2 != nil {
		return err2
	}
	if err == nil && size > most {
		err = fmt.Errorf("segments of %d bytes, want at most %d", size, most)
	}
	return err
}
