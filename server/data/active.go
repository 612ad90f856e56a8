package data

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Active is an endpoint that we dial: the client's PORT or EPRT. The caller has
// checked that the address is the client's own.
type Active struct {
	target     netip.AddrPort
	local      netip.Addr
	maxSegment int
}

// Dial returns the endpoint that connects from the address local, the one the
// client knows us by, to target, with segments of at most maxSegment bytes; zero:
// the kernel's choice.
func Dial(local netip.Addr, target netip.AddrPort, maxSegment int) *Active {
	return &Active{target: target, local: local.Unmap(), maxSegment: maxSegment}
}

// String names the endpoint for the log.
func (a *Active) String() string { return fmt.Sprintf("active connection to %s", a.target) }

// Open connects. The source port is any: port 20 (RFC 959, section 3.2) takes
// root, and no client behind a NAT can tell.
func (a *Active) Open(ctx context.Context) (*net.TCPConn, error) {
	d := net.Dialer{
		LocalAddr:       net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.local, 0)),
		KeepAliveConfig: keepAlive,
		Control:         func(_, _ string, raw syscall.RawConn) error { return setMaxSegment(raw, a.maxSegment) },
	}
	conn, err := d.DialContext(ctx, "tcp", a.target.String())
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("cannot connect to %s: %w", a.target, err)
	}
	return conn.(*net.TCPConn), nil
}

// Close has nothing to give back.
func (a *Active) Close() {}
