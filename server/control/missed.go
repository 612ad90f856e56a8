package control

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"syscall"
	"time"

	"natftpd/server/data"
)

// missed is a data connection that did not come about.
type missed struct {
	meeting meeting
	waited  time.Duration
	err     error
}

// public is what the client is told of it.
func (m *missed) public() string {
	var nobody *data.MissedError
	if errors.As(m.err, &nobody) {
		return nobody.Error()
	}
	return fmt.Sprintf("cannot connect to %s: %s; use PASV or EPSV", m.meeting.told, public(m.err))
}

// facts are what the operator's log tells of it.
func (m *missed) facts(s *session) []slog.Attr {
	c := circumstances{
		how: m.meeting.how, client: s.client, neighbour: s.neighbour, local: s.local, told: m.meeting.told.Addr(),
		outside: m.meeting.outside, refused: errors.Is(m.err, syscall.ECONNREFUSED),
	}
	var nobody *data.MissedError
	if errors.As(m.err, &nobody) {
		c.cameTo, c.stranger = nobody.CameTo, nobody.Stranger
	}
	return []slog.Attr{
		slog.String("arranged", m.meeting.how), slog.Any("advertised", m.meeting.told),
		slog.Duration("waited", m.waited.Round(time.Millisecond)), slog.String("cause", c.cause()),
	}
}

// circumstances are what is known when a data connection did not come about.
type circumstances struct {
	how       string     // PASV, EPSV, PORT or EPRT
	client    netip.Addr // of the control connection
	neighbour bool       // the client is this host or of its own network
	local     netip.Addr // where the client reached us
	told      netip.Addr // where it was sent; by EPSV: local
	outside   bool       // it counts as one from outside
	cameTo    uint16     // the passive port that it knocked at instead; 0: none
	stranger  netip.Addr // who knocked at the port instead; zero: nobody
	refused   bool       // active: something answered that nobody listens there
}

// cause is the likeliest reason, and what to do about it. It is a table; the
// first row that fits holds.
func (c circumstances) cause() string {
	active := c.how == "PORT" || c.how == "EPRT"
	switch {
	case active && c.refused:
		return "the client does not listen on the port that it named: it is behind a NAT or a firewall of its own; have it use passive mode"
	case active:
		return "the client cannot be reached: it is behind a NAT or a firewall of its own; have it use passive mode"
	case c.cameTo != 0:
		return fmt.Sprintf("the client came to port %d instead: a NAT helper (FTP ALG) of a router on the way changed our reply; switch it off there, or have the client use TLS", c.cameTo)
	case c.stranger.IsValid():
		return fmt.Sprintf("somebody came from %s instead: the client has several addresses (a second line, a proxy, carrier NAT); have it use one for both connections", c.stranger)
	case c.how == "PASV" && c.told == c.client:
		return "the client comes through the router's external address, which does not lead back in (no hairpin NAT); have it dial the LAN address"
	case c.how == "PASV" && c.told != c.local && (c.neighbour || private(c.client)):
		return "a client of the LAN was sent to the external address, which does not lead back in; add its network to nat.lan_networks, or, if this is a container in a bridge network, with the host's address to nat.address_overrides"
	case c.how == "PASV" && private(c.told) && !private(c.client):
		return "a client from outside was told a private address, for the external one is not known; natftpd doctor tells why"
	case c.outside:
		return "the router does not forward the port, or the client's own firewall holds it back; natftpd doctor tells which ports are forwarded"
	}
	return "a firewall on this host or on the client blocks the port"
}

// private tells addresses that lead nowhere on the internet (RFC 1918, 4193,
// 6598, and those of links and hosts).
func private(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

// shared are the addresses of carrier NATs (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// elsewhere is the likeliest reason why a client names an address that is not
// its own in PORT or EPRT.
func elsewhere(named netip.Addr) string {
	if private(named) {
		return "the client is behind a NAT and named its private address; have it use passive mode"
	}
	return "the client wants another host to be dialled (FXP, or an attack), which is never done"
}
