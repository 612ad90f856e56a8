package data

import (
	"net"
	"time"
)

// What our TCP connections are told, in one place: keepalives and a bound on
// unacknowledged data (here), segment sizes (below), no Nagle (package net's
// default), but full segments in larger downloads (forBulk), few delayed
// acknowledgements after a handshake (acknowledgeAtOnce).
// The sizes of socket buffers are the kernel's: setting them would end its
// autotuning, which long and fast paths need. So is the congestion control: it
// is the host's choice (net.ipv4.tcp_congestion_control), but for BBR on a path
// that is too short for it (forBulk).

// keepAlive probes an idle connection often enough for home routers, which
// forget one long before the two hours that RFC 5382 asks of them.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 15 * time.Second, Count: 4}

// LimitSegments clamps the segments of the connections that l accepts from now
// on to size bytes; zero: the kernel's choice.
func LimitSegments(l *net.TCPListener, size int) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	return setMaxSegment(raw, size)
}

// LimitSegments clamps the segments on every passive port; see the function.
func (p *Ports) LimitSegments(size int) error {
	for _, one := range p.now.Load().ports {
		if err := LimitSegments(one.listener(), size); err != nil {
			return err
		}
	}
	return nil
}
