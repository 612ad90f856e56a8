// Package stun asks STUN servers (RFC 8489) which address they see us come from:
// our reflexive address. On the way it learns how the NAT before us treats UDP
// (Behaviour), how large a packet the uplink takes (PathMTU) and which routers stand
// on the way (Trace). Messages are pion's; sockets, retransmission and what is
// believed are decided here.
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
	// looked up at each call.
	Servers []string
	// Timeout bounds one Ask, name resolution included. Requests are sent at
	// once, after a sixth of it and after half of it. Behaviour, PathMTU and
	// Trace take twice as long at most. Zero: 3 s.
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
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()

	answers := make([]Answer, len(cfg.Servers))
	var all sync.WaitGroup
	for i, server := range cfg.Servers {
		all.Go(func() { answers[i] = cfg.ask(ctx, server) })
	}
	all.Wait()
	return answers
}

// withDefaults fills in what c leaves open.
func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Lookup == nil {
		c.Lookup = net.DefaultResolver.LookupNetIP
	}
	return c
}

// ask asks one server for our reflexive address, from a socket of its own.
func (c Config) ask(ctx context.Context, server string) Answer {
	a := Answer{Server: server}
	var conn *net.UDPConn
	if a.Addr, a.Err = c.resolve(ctx, server); a.Err == nil {
		conn, a.Err = net.ListenUDP("udp4", nil)
	}
	if a.Err != nil {
		a.Err = asking(server, a.Err)
		return a
	}
	defer conn.Close()
	return c.askFrom(ctx, conn, a)
}

// askFrom asks the server of a, whose Addr is known, from conn.
func (c Config) askFrom(ctx context.Context, conn *net.UDPConn, a Answer) Answer {
	start := time.Now()
	reflexive, err := binding(ctx, conn, a.Addr, c.Timeout/timeoutRTOs)
	if err != nil {
		return Answer{Server: a.Server, Addr: a.Addr, Err: asking(a.Server, err)}
	}
	return Answer{Server: a.Server, Addr: a.Addr, Reflexive: reflexive, RTT: time.Since(start)}
}

// asking says what was done when err came.
func asking(server string, err error) error {
	return fmt.Errorf("ask STUN server %s: %w", server, err)
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

// binding asks the server at addr for our reflexive address.
func binding(ctx context.Context, conn *net.UDPConn, addr netip.AddrPort, rto time.Duration) (netip.AddrPort, error) {
	request, err := bindingRequest()
	if err != nil {
		return netip.AddrPort{}, err
	}
	response, err := exchange(ctx, conn, addr, request, rto)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return reflexiveAddress(response)
}
