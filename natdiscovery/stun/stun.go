// Package stun asks STUN servers (RFC 8489) which address they see us come from:
// our reflexive address. Messages are pion's; sockets, retransmission and what
// is believed are decided here.
//
// A server can lie, and whoever believes it sends files to the liar. So Ask only
// collects what each server says, and Agree tells what servers of different
// operators say alike. The package knows no gateway, keeps nothing between two
// calls and leaves no goroutine behind.
package stun

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// defaultTimeout gives the RTO of 500 ms that RFC 8489, section 6.2.1, asks for.
const defaultTimeout = 3 * time.Second

// Config says whom to ask, and how long to wait.
type Config struct {
	// Servers are host:port, the host a name or an IPv4 address. Names are
	// looked up at each Ask.
	Servers []string
	// Timeout bounds one Ask, name resolution included. Requests are sent at
	// once, after a sixth of it and after half of it. Zero: 3 s.
	Timeout time.Duration
	// Lookup resolves a server's name. nil: the system's resolver.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Answer is what came of asking one server.
type Answer struct {
	// Server is the entry of Config.Servers.
	Server string
	// Addr is the server's address, as far as its name was resolved.
	Addr netip.AddrPort
	// Reflexive is our address as the server saw it: a public IPv4 address,
	// or zero if Err is set.
	Reflexive netip.AddrPort
	// RTT is the time from the first request to the answer. Lost requests
	// count.
	RTT time.Duration
	// Err says why there is no reflexive address.
	Err error
}

// Ask asks all servers at the same time, each from a new socket, and returns
// their answers in the order of cfg.Servers. It returns when all have answered,
// at the latest after cfg.Timeout or when ctx ends.
func Ask(ctx context.Context, cfg Config) []Answer {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Lookup == nil {
		cfg.Lookup = net.DefaultResolver.LookupNetIP
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()

	answers := make([]Answer, len(cfg.Servers))
	var asking sync.WaitGroup
	for i, server := range cfg.Servers {
		asking.Go(func() { answers[i] = cfg.ask(ctx, server) })
	}
	asking.Wait()
	return answers
}

// ask asks one server for our reflexive address.
func (c Config) ask(ctx context.Context, server string) Answer {
	a := Answer{Server: server}
	if a.Addr, a.Err = c.resolve(ctx, server); a.Err == nil {
		a.Reflexive, a.RTT, a.Err = binding(ctx, a.Addr, c.Timeout/timeoutRTOs)
	}
	if a.Err != nil {
		a.Err = fmt.Errorf("ask STUN server %s: %w", server, a.Err)
	}
	return a
}

// resolve finds the IPv4 address of a server.
func (c Config) resolve(ctx context.Context, server string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(server)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("port %q: want 1 to 65535", service)
	}
	addrs := make([]netip.Addr, 1)
	if addrs[0], err = netip.ParseAddr(host); err != nil {
		if addrs, err = c.Lookup(ctx, "ip4", host); err != nil {
			return netip.AddrPort{}, err
		}
	}
	for _, addr := range addrs {
		if addr = addr.Unmap(); addr.Is4() {
			return netip.AddrPortFrom(addr, uint16(port)), nil
		}
	}
	return netip.AddrPort{}, errors.New("it has no IPv4 address")
}

// binding asks the server at addr once, from a socket of its own.
func binding(ctx context.Context, addr netip.AddrPort, rto time.Duration) (netip.AddrPort, time.Duration, error) {
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return netip.AddrPort{}, 0, err
	}
	defer conn.Close()
	request, err := bindingRequest()
	if err != nil {
		return netip.AddrPort{}, 0, err
	}
	start := time.Now()
	response, err := exchange(ctx, conn, addr, request, rto)
	if err != nil {
		return netip.AddrPort{}, 0, err
	}
	rtt := time.Since(start)
	reflexive, err := reflexiveAddress(response)
	return reflexive, rtt, err
}
