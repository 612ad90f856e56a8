package control

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// What is wrong with the argument of PORT or EPRT.
var (
	errSyntax = errors.New("syntax")
	errFamily = errors.New("unknown network protocol")
)

// parsePort reads h1,h2,h3,h4,p1,p2 (RFC 959, section 5.3.2).
func parsePort(arg string) (netip.AddrPort, error) {
	fields := strings.Split(arg, ",")
	if len(fields) != 6 {
		return netip.AddrPort{}, errSyntax
	}
	var b [6]byte
	for i, f := range fields {
		n, err := strconv.ParseUint(strings.TrimSpace(f), 10, 8)
		if err != nil {
			return netip.AddrPort{}, errSyntax
		}
		b[i] = byte(n)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(b[4])<<8|uint16(b[5])), nil
}

// parseEprt reads |protocol|address|port| with any delimiter (RFC 2428,
// section 2).
func parseEprt(arg string) (netip.AddrPort, error) {
	if arg == "" || arg[0] < 33 || arg[0] > 126 {
		return netip.AddrPort{}, errSyntax
	}
	fields := strings.Split(arg, arg[:1])
	if len(fields) != 5 || fields[0] != "" || fields[4] != "" {
		return netip.AddrPort{}, errSyntax
	}
	if _, err := strconv.ParseUint(fields[1], 10, 16); err != nil {
		return netip.AddrPort{}, errSyntax
	}
	if fields[1] != "1" && fields[1] != "2" {
		return netip.AddrPort{}, errFamily
	}
	addr, err := netip.ParseAddr(fields[2])
	if err != nil || addr.Is4() != (fields[1] == "1") || addr.Zone() != "" {
		return netip.AddrPort{}, errSyntax
	}
	port, err := strconv.ParseUint(fields[3], 10, 16)
	if err != nil {
		return netip.AddrPort{}, errSyntax
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}
