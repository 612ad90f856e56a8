package stun

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

// A probe waits three round trips for its answer, but neither less nor more than
// these parts of Config.Timeout: 250 and 750 ms.
const (
	waitRTTs     = 3
	shortestWait = 12
	longestWait  = 4
)

// PathMTU measures the largest IPv4 packet that the path to the internet takes,
// without a word from routers: it asks one server with requests of different
// sizes that may not be fragmented, and sees which are answered. It finds the
// black hole that a PPPoE line with silenced ICMP is to TCP (RFC 2923).
//
// The answer is a common MTU, or that of the interface, at most as large as the
// truth and in steps of four. A server can make it look smaller, down to 576, but
// not larger: it can't answer what it has not received. Only packets from us are
// measured. interfaceMTU is that of the interface towards the internet; 0 if that
// is not known.
//
// known is false when nothing can be concluded: this system can't forbid fragmentation
// (that can be had on Linux only), or no server answers requests that are padded.
// The error says why nobody could be asked. Up to 20 padded requests are sent.
func PathMTU(ctx context.Context, cfg Config, interfaceMTU int) (mtu int, known bool, err error) {
	conn, err := listenUnfragmented()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("measure the path MTU: %w", err)
	}
	defer conn.Close()
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, 2*cfg.Timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	servers, err := awake(Ask(ctx, cfg))
	left := maxProbes
	for _, a := range servers {
		s := newSearch(interfaceMTU, left)
		wait := min(max(waitRTTs*a.RTT, cfg.Timeout/shortestWait), cfg.Timeout/longestWait)
		if failure := run(conn, a, s, wait); failure != nil {
			err = failure
		}
		if mtu, known = s.mtu(); known {
			return mtu, true, nil
		}
		left = s.left
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("measure the path MTU: %w", err)
	}
	return 0, false, err
}

// MaxSegment is the largest TCP segment that fits into IPv4 packets of this size:
// without the headers of IPv4 and TCP, 20 bytes each (RFC 9293, section 3.7.1).
func MaxSegment(mtu int) int {
	return mtu - 40
}

// awake are the servers that answered, the quickest first, or the reason why
// there is none. One that sees us at an address that is not public has an error:
// it is not beyond the uplink.
func awake(answers []Answer) ([]Answer, error) {
	err := errors.New("there is no STUN server to ask")
	var servers []Answer
	for _, a := range answers {
		if a.Err == nil {
			servers = append(servers, a)
		}
		err = a.Err
	}
	if len(servers) == 0 {
		return nil, err
	}
	slices.SortStableFunc(servers, func(a, b Answer) int { return cmp.Compare(a.RTT, b.RTT) })
	return servers, nil
}

// run asks a server until the search is over.
func run(conn *net.UDPConn, a Answer, s *search, wait time.Duration) error {
	for i := s.next(); i >= 0; i = s.next() {
		o, err := probe(conn, a, s.sizes[i], wait)
		if err != nil {
			return asking(a.Server, err)
		}
		s.tell(i, o)
	}
	return nil
}

// probe sends one packet of this size to a server. Any answer counts, a refusal as
// well: the packet has arrived.
func probe(conn *net.UDPConn, a Answer, size int, wait time.Duration) (outcome, error) {
	request, err := paddedRequest(size)
	if err != nil {
		return silent, err
	}
	_, err = conn.WriteToUDPAddrPort(request.Raw, a.Addr)
	switch {
	case tooLarge(err):
		return refused, nil
	case err != nil:
		return silent, err
	}
	t := transaction{conn: conn, server: a.Addr, request: request, budget: maxDatagrams}
	_, err = t.receive(time.Now().Add(wait))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return silent, nil
	}
	return answered, err
}
