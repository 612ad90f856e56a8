package natpmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// maxAnswer is the longest message of PCP (RFC 6887, section 7); NAT-PMP's
	// have 16 bytes.
	maxAnswer = 1100
	// maxDatagrams bounds the work that one request can cause here. Within it,
	// a flood does not keep the answer from us.
	maxDatagrams = 256
)

// Link is the way to one gateway's port, for NAT-PMP and PCP. Its zero value leads
// nowhere.
type Link struct {
	// Gateway is where requests go, and the only place that answers are
	// believed from.
	Gateway netip.AddrPort
	// Local is our own address on this way.
	Local netip.Addr

	rto   time.Duration
	tries int
}

// NewLink finds our own address on the way to the gateway. It sends nothing.
func NewLink(cfg Config) (Link, error) {
	l := Link{
		Gateway: netip.AddrPortFrom(cfg.Gateway.Unmap(), cmp.Or(cfg.Port, Port)),
		Local:   cfg.Local.Unmap(),
		rto:     cmp.Or(cfg.RTO, defaultRTO),
		tries:   searchTries,
	}
	if l.Local.IsValid() {
		return l, nil
	}
	conn, err := l.dial()
	if err != nil {
		return Link{}, err
	}
	l.Local = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	return l, conn.Close()
}

// Patient is the same link for a gateway that is known to answer.
func (l Link) Patient() Link {
	l.tries = requestTries
	return l
}

// Maps says why a mapping can't be asked for over this link, if it can't: NAT-PMP
// and PCP map ports to the asking address alone (section 3.3; RFC 6887, section
// 11.1).
func (l Link) Maps(r gateway.Request) error {
	switch {
	case r.External == 0 || r.Internal.Port() == 0:
		return fmt.Errorf("no mapping leads from port %d to %s", r.External, r.Internal)
	case r.Internal.Addr().Unmap() != l.Local:
		return fmt.Errorf("%w: it maps ports to %s alone, not to %s", gateway.ErrRefused, l.Local, r.Internal.Addr())
	}
	return nil
}

// dial connects, so that the kernel drops what comes from anywhere else, and tells
// us when nobody listens there. Each request has a socket of its own: strangers
// don't know its port, and no answer can come late.
func (l Link) dial() (*net.UDPConn, error) {
	var local *net.UDPAddr
	if l.Local.IsValid() {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(l.Local, 0))
	}
	return net.DialUDP("udp", local, net.UDPAddrFromAddrPort(l.Gateway))
}

// Ask sends a request until accept takes a datagram as its answer. Others are
// dropped. It returns gateway.ErrGone when there is no answer, or the context's
// error when that was cancelled.
func (l Link) Ask(ctx context.Context, request []byte, accept func(datagram []byte) bool) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	conn, err := l.dial()
	if err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrGone, err)
	}
	defer func() { _ = conn.Close() }() // the answer is there, or never will be
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	err = l.exchange(conn, request, accept)
	if err != nil && ctx.Err() != nil {
		return ended(ctx)
	}
	return err
}

// ended tells our own end from the gateway's: a deadline that passes is silence.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: no answer in time: %w", gateway.ErrGone, ctx.Err())
	}
	return ctx.Err()
}

// exchange sends at RFC 6886's pace for PCP, too (section 3.1). RFC 6887 (section
// 8.1.1) begins at 3 s, since its server may be the carrier's; ours is the next hop,
// whose NAT-PMP port this is, requests may be repeated, and somebody waits for the
// address. The RFC's jitter of a tenth is kept.
func (l Link) exchange(conn *net.UDPConn, request []byte, accept func([]byte) bool) error {
	// One byte more tells a datagram that is too long from one that fits.
	buf := make([]byte, maxAnswer+1)
	strangers := 0
	for try := range l.tries {
		if _, err := conn.Write(request); err != nil {
			return fmt.Errorf("%w: %w", gateway.ErrGone, err)
		}
		pause := time.Duration(float64(l.rto<<try) * (0.9 + 0.2*rand.Float64()))
		if err := conn.SetReadDeadline(time.Now().Add(pause)); err != nil {
			return err
		}
		for {
			n, err := conn.Read(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			// Refused: nobody listens there, or no host is there.
			if err != nil {
				return fmt.Errorf("%w: %w", gateway.ErrGone, err)
			}
			if n <= maxAnswer && accept(buf[:n]) {
				return nil
			}
			if strangers++; strangers == maxDatagrams {
				return fmt.Errorf("%w: none of %d datagrams was the answer", gateway.ErrGone, maxDatagrams)
			}
		}
	}
	return fmt.Errorf("%w: no answer to %d requests", gateway.ErrGone, l.tries)
}
