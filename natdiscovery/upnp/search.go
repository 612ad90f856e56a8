package upnp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// targets are what is searched for, the best first. Routers differ in which of
// these they answer, and some answer "ssdp:all" with an unrelated device only
// (tailscale issue 3557), so it is not among them.
var targets = []string{
	"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
	"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
	"urn:schemas-upnp-org:service:WANIPConnection:2",
	"urn:schemas-upnp-org:service:WANIPConnection:1",
	"urn:schemas-upnp-org:service:WANPPPConnection:1",
	"urn:dslforum-org:device:InternetGatewayDevice:1",
}

const (
	// pace lies between two searches: the Fritz!Box muddles up searches that
	// arrive at once.
	pace = 20 * time.Millisecond
	// again is when everything is sent a second time, since UDP loses some.
	again = time.Second
	// settle is how long rivals of the first answer may take.
	settle = 50 * time.Millisecond
	// deference is how long the default gateway may take when another device
	// was quicker: the searches' MX of a second, and a little.
	deference = 1200 * time.Millisecond

	maxReplies   = 10  // kept, not counting the default gateway's
	maxDatagrams = 200 // read, whatever they hold
)

// reply is a believed answer to a search.
type reply struct {
	from     netip.Addr
	location *url.URL // of the description, on from
	target   string
	usn      string // unique service name: of which device, and what of it
	boot     string // which start of the device this is (UDA 1.2.2)
}

// search is an SSDP search under way (UDA 1.3): one socket, what is still to be
// sent on it, and until when.
type search struct {
	cfg     Config
	targets []string
	conn    *net.UDPConn
	stop    func() bool
	queue   []datagram
	sendAt  time.Time // not before this is the next datagram sent
	end     time.Time
	read    int
	seen    map[string]bool // locations handed out
	failed  error           // why the last datagram could not be sent
}

type datagram struct {
	at      time.Time
	to      netip.AddrPort
	payload []byte
}

func newSearch(ctx context.Context, cfg Config, targets []string) (*search, error) {
	local, network, host := cfg.Local, "udp4", group
	switch {
	case !local.IsValid():
		local = netip.IPv4Unspecified()
	case local.Is6():
		network, host = "udp6", group6
	}
	// A socket bound to our LAN address sends multicast out of that
	// interface and can't be answered on another.
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, fmt.Errorf("open a socket on %s: %w", local, err)
	}
	s := &search{cfg: cfg, targets: targets, conn: conn, end: time.Now().Add(cfg.Wait), seen: map[string]bool{}}
	for _, round := range []time.Duration{0, again} {
		at := time.Now().Add(round)
		for _, target := range targets {
			for _, to := range cfg.Search {
				s.queue = append(s.queue, datagram{at, to, mSearch(host, target)})
			}
		}
	}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return s, nil
}

// mSearch is an M-SEARCH (UDA 1.3.2). HOST stays the group in unicast searches
// too: every router knows that one.
func mSearch(host netip.Addr, target string) []byte {
	return []byte("M-SEARCH * HTTP/1.1\r\nHOST: " + netip.AddrPortFrom(host, ssdpPort).String() + "\r\nST: " + target +
		"\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\r\n")
}

func (s *search) close() {
	s.stop()
	_ = s.conn.Close() // closed already when the context ended
}

// next waits for answers that were not handed out before, and returns them, the
// default gateway's first. It returns none when the time is over.
func (s *search) next(ctx context.Context) []reply {
	var batch []reply
	until := s.end
	for ctx.Err() == nil && s.read < maxDatagrams {
		now := time.Now()
		if !now.Before(until) {
			break
		}
		r, ok := s.receive(earlier(until, s.send(now)))
		if !ok {
			continue
		}
		batch = append(batch, r)
		patience := settle
		if s.cfg.Router.IsValid() && r.from != s.cfg.Router {
			patience = deference
		}
		until = earlier(until, time.Now().Add(patience))
	}
	slices.SortStableFunc(batch, func(a, b reply) int { return cmp.Compare(s.rank(a), s.rank(b)) })
	return batch
}

// rank is low for what is likely the gateway: an answer of the default gateway,
// to the search for the best target.
func (s *search) rank(r reply) int {
	i := slices.Index(s.targets, r.target)
	if i < 0 {
		i = len(s.targets)
	}
	if r.from != s.cfg.Router {
		i += len(s.targets) + 1
	}
	return i
}

// silence says why no answer came, as far as known.
func (s *search) silence() error {
	if s.failed != nil {
		return fmt.Errorf("no answer, and some searches could not be sent: %w", s.failed)
	}
	return errors.New("no answer to the search; is UPnP switched on in the router?")
}

// send sends a datagram if one is due and says when the next is.
func (s *search) send(now time.Time) time.Time {
	if len(s.queue) > 0 && !now.Before(s.due()) {
		if _, err := s.conn.WriteToUDPAddrPort(s.queue[0].payload, s.queue[0].to); err != nil {
			s.failed = err // another target may still work
		}
		s.queue, s.sendAt = s.queue[1:], now.Add(pace)
	}
	if len(s.queue) == 0 {
		return s.end
	}
	return s.due()
}

// due is when the next datagram is sent.
func (s *search) due() time.Time {
	if s.queue[0].at.After(s.sendAt) {
		return s.queue[0].at
	}
	return s.sendAt
}

// receive reads one datagram and says whether it is a new answer to believe.
func (s *search) receive(deadline time.Time) (reply, bool) {
	buf := make([]byte, maxDatagram)
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return reply{}, false // closed: the context has ended
	}
	n, from, err := s.conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			s.read++ // some systems report refused datagrams here, for ever
		}
		return reply{}, false
	}
	s.read++
	addr := from.Addr().Unmap()
	if !s.cfg.believes(addr) {
		return reply{}, false
	}
	r, err := parseReply(buf[:n], addr)
	if err != nil || s.seen[r.location.String()] {
		return reply{}, false
	}
	if len(s.seen) >= maxReplies && addr != s.cfg.Router {
		return reply{}, false // a flood must not drown the default gateway
	}
	s.seen[r.location.String()] = true
	return r, true
}

// parseReply reads an answer to a search (UDA 1.3.3). The location keeps its
// port and path only: the description is fetched from the host that answered,
// wherever the location points.
func parseReply(b []byte, from netip.Addr) (reply, error) {
	start, header := splitSSDP(b)
	if len(start) < 2 || !strings.HasPrefix(start[0], "HTTP/") || start[1] != "200" {
		return reply{}, errors.New("not an answer to a search")
	}
	location, err := locate(header["LOCATION"], from)
	if err != nil {
		return reply{}, err
	}
	return reply{from: from, location: location,
		target: header["ST"], usn: header["USN"], boot: header["BOOTID.UPNP.ORG"]}, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
