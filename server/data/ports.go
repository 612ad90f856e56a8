// Package data makes the data connections of FTP: the passive ports that we
// listen on (RFC 959, section 4.1.2; RFC 2428), the connections that we dial in
// active mode, and what a transfer runs over: TLS, deadlines, its pace, few and
// large writes, and the kernel's own copying where the channel is clear.
//
// It knows addresses, ports and bytes; nothing of commands, replies or users,
// and nothing of how the internet sees us.
package data

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Endpoint is where one data connection will come from: a reserved passive
// port, or the client's address in active mode.
type Endpoint interface {
	// Open waits for the connection, or makes it, until ctx ends.
	Open(ctx context.Context) (*net.TCPConn, error)
	// Close gives the endpoint back. It may be called at any time, also
	// after Open, and more than once.
	Close()
	// String names the endpoint for the log, e.g. "passive port 50003".
	String() string
}

// What Reserve answers when it has no port.
var (
	// ErrNoPort: the caller named no port that we listen on.
	ErrNoPort = errors.New("no passive port is open")
	// ErrPortsBusy: on each port a connection from this peer is awaited
	// already.
	ErrPortsBusy = errors.New("every passive port awaits an earlier connection from the same address")
)

// Ports are our passive ports. They stay open until Change or Close. Peers with
// different addresses share a port: a connection belongs to the reservation made
// for the address that it comes from, and to nobody else (RFC 2577, section 2).
type Ports struct {
	log    *slog.Logger
	now    atomic.Pointer[layout]
	turn   atomic.Uint32 // counts reservations
	rounds rounds
	closed chan struct{}
	once   sync.Once
	done   sync.WaitGroup

	changing sync.Mutex // held while another layout is made
}

// layout is which ports there are. It does not change; another one takes its place.
type layout struct {
	unused time.Duration
	// numbers are those that stay, in rising order.
	numbers []uint16
	ports   map[uint16]*port
}

type port struct {
	ports  *Ports
	number uint16

	// Guarded by Ports.changing.
	host   string
	leaves time.Time // when it is closed; zero: it stays

	mu      sync.Mutex
	door    *door
	waiting map[netip.Addr]*Reservation
	opening int  // how many wait in Open
	used    bool // reserved since the last round
}

// Listen opens the ports first to last on host ("" is every address, IPv4 and
// IPv6). All or none: the error names the port that could not be opened. A
// reservation that nobody uses for as long as unused may be given to another, and
// a connection whose peer acknowledges nothing for as long is dead.
func Listen(host string, first, last uint16, unused time.Duration, log *slog.Logger) (*Ports, error) {
	p := &Ports{log: log, closed: make(chan struct{})}
	p.now.Store(&layout{})
	p.rounds.due = time.AfterFunc(time.Hour, p.round)
	p.rounds.due.Stop()
	if err := p.Change(host, first, last, unused); err != nil {
		return nil, err
	}
	return p, nil
}

// Close closes the ports, ends what waits on them and returns when every
// goroutine of theirs has ended.
func (p *Ports) Close() {
	p.changing.Lock()
	p.once.Do(func() { close(p.closed) })
	p.rounds.due.Stop()
	ports := p.now.Load().ports
	for _, one := range ports {
		one.close(one.door)
	}
	p.changing.Unlock()
	p.done.Wait()
	for _, one := range ports {
		for _, r := range one.reservations() {
			r.Close()
		}
	}
}

// Numbers are the ports, but for those that leave, in rising order. The caller must
// not change them.
func (p *Ports) Numbers() []uint16 { return p.now.Load().numbers }

// Reserve awaits a connection from peer on one of the usable ports, which take
// turns. What has come to a port before belongs to an earlier reservation, or to
// none: a connection that was made for a transfer that was then refused must not be
// taken for the next one's.
func (p *Ports) Reserve(peer netip.Addr, usable []uint16) (*Reservation, error) {
	peer = peer.Unmap().WithZone("")
	now, found := p.now.Load(), false
	start := int(p.turn.Add(1) % uint32(max(1, len(usable))))
	for i := range usable {
		one := now.ports[usable[(start+i)%len(usable)]]
		if one == nil {
			continue
		}
		found = true
		if r := one.reserve(peer, now.unused); r != nil {
			return r, nil
		}
	}
	if !found {
		return nil, ErrNoPort
	}
	return nil, ErrPortsBusy
}

// reserve is nil if the peer has the port already.
func (p *port) reserve(peer netip.Addr, unused time.Duration) *Reservation {
	p.mu.Lock()
	if p.taken(peer, unused) {
		p.mu.Unlock()
		return nil
	}
	strangers, err := p.clear()
	p.used = true
	r := p.enter(peer, unused)
	p.mu.Unlock()
	p.settle(strangers, err)
	return r
}

// taken tells whether the peer has the port already. The caller holds mu.
func (p *port) taken(peer netip.Addr, unused time.Duration) bool {
	r := p.waiting[peer]
	return r != nil && (r.opening || time.Since(r.made) < unused)
}

// enter makes a reservation of the peer's, unless the port was taken while it was
// cleared. The caller holds mu.
func (p *port) enter(peer netip.Addr, unused time.Duration) *Reservation {
	if p.taken(peer, unused) {
		return nil
	}
	if old := p.waiting[peer]; old != nil {
		old.lost = true
		old.tell()
	}
	r := &Reservation{port: p, peer: peer, made: time.Now()}
	p.waiting[peer] = r
	return r
}

// deliver gives conn to the reservation of its peer, which gets one at the most. The
// caller holds mu.
func (p *port) deliver(conn *net.TCPConn) bool {
	peer := addrOf(conn.RemoteAddr())
	r := p.waiting[peer]
	if r == nil {
		return false
	}
	delete(p.waiting, peer)
	r.conn = conn
	r.tell()
	return true
}

// settle sends strangers away and says what hinders the door.
func (p *port) settle(strangers []*net.TCPConn, err error) {
	for _, conn := range strangers {
		peer := addrOf(conn.RemoteAddr())
		p.ports.log.Debug("stranger on a passive port", "port", p.number, "peer", peer)
		p.ports.knocked(p, peer)
		conn.Close()
	}
	if err != nil { // out of descriptors, most likely: they come back
		p.ports.log.Warn("passive port does not accept", "port", p.number, "error", err)
	}
}

func (p *port) reservations() []*Reservation {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*Reservation
	for _, r := range p.waiting {
		all = append(all, r)
	}
	return all
}

// addrOf is the IP address of a TCP address, IPv4 where it is IPv4, and without the
// zone of a link-local one.
func addrOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return t.AddrPort().Addr().Unmap().WithZone("")
}
