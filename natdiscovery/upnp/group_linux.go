package upnp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// listenGroup opens a socket that gets what is sent to an IPv4 multicast group in
// the LAN of local. It is bound to the group itself, which package net can't do:
// bound to the port alone it would take unicast datagrams from the other programs
// of this host that listen there.
func listenGroup(local netip.Addr, group netip.AddrPort) (*net.UDPConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", os.NewSyscallError("socket", err))
	}
	file := os.NewFile(uintptr(fd), "multicast") // owns the socket
	err = joinGroup(fd, local, group)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("join %s in the LAN of %s: %w", group, local, err), file.Close())
	}
	conn, err := net.FilePacketConn(file)
	if err := errors.Join(err, file.Close()); err != nil { // conn is a copy
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

func joinGroup(fd int, local netip.Addr, group netip.AddrPort) error {
	// Both options: the socket of another program may have either.
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	// Only what comes in by the LAN, and not by where others of this host joined.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	membership := &unix.IPMreq{Multiaddr: group.Addr().As4(), Interface: local.As4()}
	return os.NewSyscallError("setsockopt", unix.SetsockoptIPMreq(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, membership))
}
