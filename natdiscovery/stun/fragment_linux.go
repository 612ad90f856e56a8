package stun

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// listenUnfragmented opens a socket whose packets nobody may fragment: DF is set
// in each (RFC 791). PROBE has the kernel forget the path MTU that it was told by
// ICMP: only the interface still limits.
func listenUnfragmented() (*net.UDPConn, error) {
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, err
	}
	if err := setProbe(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("forbid fragmentation: %w", err)
	}
	return conn, nil
}

func setProbe(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Control(func(fd uintptr) {
		failure = os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE))
	})
	return cmp.Or(err, failure)
}

// tooLarge says that the packet was larger than the interface takes.
func tooLarge(err error) bool {
	return errors.Is(err, unix.EMSGSIZE)
}
