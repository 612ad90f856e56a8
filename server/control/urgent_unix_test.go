//go:build unix

package control_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"natftpd/server/control"
)

func TestABORAsUrgentTelnetData(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour })
	c, _ := stalling(t, s)
	raw, err := c.conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	c.send("\xff\xf4\xff")
	raw.Control(func(fd uintptr) { err = syscall.Sendto(int(fd), []byte{0xf2}, syscall.MSG_OOB, nil) })
	if err != nil {
		t.Fatal(err)
	}
	c.send("ABOR\r\n")
	c.expect("426")
	c.expect("226")
}
