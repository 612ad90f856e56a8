package control

import (
	"errors"
	"net/netip"
	"strings"

	"natftpd/server/data"
)

// cmdPasv tells the client where to connect, from memory (RFC 959, section
// 4.1.2). The words are those that NAT helpers look for.
func (s *session) cmdPasv(string) {
	switch {
	case s.epsvAll:
		s.say(afterEpsvAll)
		return
	case !s.client.Is4():
		s.say(line(522, "PASV can name only IPv4 addresses. Use EPSV."))
		return
	}
	advice := s.front.cfg.Advertise(s.client, s.local)
	r := s.reserve(advice)
	if r == nil {
		return
	}
	s.arrange(meeting{endpoint: r, how: "PASV", told: netip.AddrPortFrom(advice.Addr, r.Port()), outside: advice.Outside, class: advice.Class})
	a, p := advice.Addr.As4(), r.Port()
	s.sayAlone(line(227, "Entering Passive Mode (%d,%d,%d,%d,%d,%d)", a[0], a[1], a[2], a[3], p>>8, p&0xff))
}

// cmdEpsv names the port alone; the address is the control connection's
// (RFC 2428, section 3).
func (s *session) cmdEpsv(arg string) {
	family := map[bool]string{true: "1", false: "2"}[s.client.Is4()]
	switch arg = strings.ToUpper(strings.TrimSpace(arg)); arg {
	case "", family:
	case "ALL":
		s.epsvAll = true
		s.say(line(200, "EPSV ALL: only EPSV from now on."))
		return
	case "1", "2":
		s.say(line(522, "Network protocol not supported here, use (%s)", family))
		return
	default:
		s.say(line(522, "Network protocol not supported, use (%s)", family))
		return
	}
	advice := s.front.cfg.Advertise(s.client, s.local)
	r := s.reserve(advice)
	if r == nil {
		return
	}
	s.arrange(meeting{endpoint: r, how: "EPSV", told: netip.AddrPortFrom(s.local, r.Port()), outside: advice.Outside, class: advice.Class})
	s.sayAlone(line(229, "Entering Extended Passive Mode (|||%d|)", r.Port()))
}

// meeting is how a data connection is to come about. The zero meeting is none.
type meeting struct {
	endpoint data.Endpoint
	how      string         // the command that arranged it
	told     netip.AddrPort // where the client was sent, or wants to be dialled
	outside  bool           // told is for clients from outside
	class    string         // Advice.Class
}

// arrange replaces the data connection to come.
func (s *session) arrange(m meeting) {
	if s.meeting.endpoint != nil {
		s.meeting.endpoint.Close()
	}
	s.meeting = m
}

// reserve awaits the client on a passive port, or says why it can't.
func (s *session) reserve(advice Advice) *data.Reservation {
	s.arrange(meeting{})
	r, err := s.front.cfg.Ports.Reserve(s.client, advice.Ports)
	switch {
	case err == nil:
		return r
	case errors.Is(err, data.ErrPortsBusy):
		s.say(line(425, "Every passive port awaits an earlier connection of yours. Try again soon."))
	case advice.Outside:
		s.say(line(425, "The router has not opened a passive port yet. Try again soon."))
	default:
		s.say(line(425, "No passive port is open."))
	}
	s.log.Warn("no passive port", "user", s.entry.User(), "outside", advice.Outside, "usable", len(advice.Ports), "reason", err)
	return nil
}

// afterEpsvAll refuses what EPSV ALL excluded (RFC 2428, section 4).
var afterEpsvAll = line(503, "Only EPSV is allowed after EPSV ALL.")

// cmdPort takes the client's address for an active data connection.
func (s *session) cmdPort(arg string) {
	target, err := parsePort(arg)
	s.active("PORT", target, err)
}

// cmdEprt does for both families (RFC 2428, section 2).
func (s *session) cmdEprt(arg string) {
	target, err := parseEprt(arg)
	s.active("EPRT", target, err)
}

// active arranges to dial target, if it is the client itself: anything else
// would let one host attack another through us (RFC 2577, section 3).
func (s *session) active(name string, target netip.AddrPort, err error) {
	switch {
	case s.epsvAll:
		s.say(afterEpsvAll)
	case !s.front.cfg.ActiveMode:
		s.say(line(502, "Active mode is switched off. Use PASV or EPSV."))
	case errors.Is(err, errFamily):
		s.say(line(522, "Network protocol not supported, use (1,2)"))
	case err != nil:
		s.say(line(501, "%s: wrong address.", name))
	case target.Addr() != s.client:
		s.log.Warn("active connection refused", "user", s.entry.User(), "command", name, "target", target, "reason", "not the client's address", "cause", elsewhere(target.Addr()))
		s.say(line(504, "%s only to your own address, %s. Use PASV or EPSV.", name, s.client))
	case target.Port() < 1024:
		s.say(line(504, "%s only to ports from 1024 on.", name))
	default:
		zone := addrPort(s.tcp.RemoteAddr()).Addr().Zone() // of the link, where the address is its own
		to := netip.AddrPortFrom(s.client.WithZone(zone), target.Port())
		s.arrange(meeting{endpoint: data.Dial(s.local.WithZone(zone), to, s.front.cfg.MaxSegment()), how: name, told: target})
		s.say(line(200, "%s accepted.", name))
	}
}

// cmdAbor ends the transfer that runs; its own reply follows the transfer's.
func (s *session) cmdAbor(string) {
	if s.abort() {
		return
	}
	s.arrange(meeting{})
	s.say(line(226, "No transfer to abort."))
}
