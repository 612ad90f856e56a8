package control

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"
)

// secured tells whether the control connection is TLS.
func (s *session) secured() bool {
	_, ok := s.conn.(*tls.Conn)
	return ok
}

// cmdAuth makes TLS of the control connection (RFC 4217). After a login it
// would have to begin anew (RFC 2228, section 3), so it comes first.
func (s *session) cmdAuth(arg string) {
	mechanism := strings.ToUpper(strings.TrimSpace(arg))
	switch {
	case s.front.cfg.TLS == nil:
		s.say(line(502, "TLS is switched off here."))
		return
	case mechanism != "TLS" && mechanism != "TLS-C" && mechanism != "SSL":
		s.say(line(504, "The mechanism is TLS."))
		return
	case s.secured():
		s.say(line(503, "The connection is TLS already."))
		return
	case s.account != nil:
		s.say(line(503, "AUTH comes before the login."))
		return
	}
	s.say(line(234, "Begin TLS."))
	s.flush()
	s.discard() // what came in clear behind AUTH was not said under TLS
	s.user = ""
	if s.secure() != nil {
		s.closing = true
	}
}

// maxHandshakes is how many TLS handshakes one address may be in at once. They
// cost a thousand times what other commands do.
const maxHandshakes = 4

// secure makes TLS of the connection. It logs what goes wrong.
func (s *session) secure() error {
	deadline := time.Now().Add(s.front.cfg.Patience.Handshake)
	s.tcp.SetDeadline(deadline)
	err := s.handshake(deadline)
	s.mu.Lock()
	s.alarm = time.Time{} // the deadline that is set is not its
	s.mu.Unlock()
	if err != nil {
		s.front.refusals.add(s.client, "TLS handshake on the control connection failed", err.Error())
	}
	return err
}

func (s *session) handshake(deadline time.Time) error {
	if s.front.cfg.TLS == nil { // since a reload, with a port that still speaks it
		return errors.New("TLS is switched off")
	}
	ctx, cancel := context.WithDeadline(s.gone, deadline)
	defer cancel()
	leave, err := s.front.handshakes.enter(ctx, s.client)
	if err != nil {
		return err
	}
	defer leave()
	s.records = &records{Conn: s.tcp}
	channel := tls.Server(s.records, s.front.cfg.TLS)
	if err := channel.Handshake(); err != nil {
		return err
	}
	s.conn = channel
	s.protected, s.pbsz = s.implicit, s.implicit
	if s.verbose() {
		state := channel.ConnectionState()
		s.log.Debug("TLS", "version", tls.VersionName(state.Version), "resumed", state.DidResume)
	}
	return nil
}

// unsecure ends TLS and goes on in clear (RFC 4217, section 11): both sides say
// that they are done, and nothing that the client sent before its close_notify
// counts.
func (s *session) unsecure() error {
	channel := s.conn.(*tls.Conn)
	s.flush()
	s.tcp.SetDeadline(time.Now().Add(s.front.cfg.Patience.Handshake))
	s.records.oneByOne()
	err := channel.CloseWrite()
	if err == nil {
		err = drop(channel, maxDropped)
	}
	s.mu.Lock()
	s.alarm = time.Time{}
	s.mu.Unlock()
	s.conn = s.tcp
	s.protected, s.pbsz = false, false
	s.discard()
	return err
}

// discard forgets the commands that were received on the channel so far, also those
// that came during a transfer.
func (s *session) discard() { s.input, s.held = lines{}, nil }

// drop reads to the end, which has to come within limit bytes.
func drop(r io.Reader, limit int64) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, limit))
	if err == nil && n == limit {
		err = errors.New("no end in sight")
	}
	return err
}

// bufferSize is PBSZ's argument (RFC 2228, section 3).
var bufferSize = regexp.MustCompile(`^[0-9]{1,10}$`)

// cmdPbsz: the buffer is always 0 for TLS (RFC 4217, section 9).
func (s *session) cmdPbsz(arg string) {
	switch {
	case !s.secured():
		s.say(line(503, "AUTH TLS first."))
	case !bufferSize.MatchString(arg):
		s.say(line(501, "Use PBSZ 0."))
	default:
		s.pbsz = true
		s.say(line(200, "PBSZ=0"))
	}
}

// cmdProt chooses whether data connections are TLS (RFC 4217, section 9).
func (s *session) cmdProt(arg string) {
	level := strings.ToUpper(strings.TrimSpace(arg))
	switch {
	case !s.pbsz:
		s.say(line(503, "PBSZ 0 first."))
	case level == "P":
		s.protected = true
		s.say(line(200, "Data connections are TLS."))
	case level == "C" && s.front.cfg.TLSRequired:
		s.say(line(534, "TLS is required for data connections."))
	case level == "C":
		s.protected = false
		s.say(line(200, "Data connections are in clear."))
	case level == "S" || level == "E":
		s.say(line(536, "The levels are C and P."))
	default:
		s.say(line(504, "The levels are C and P."))
	}
}

// cmdCcc would take TLS off the commands again (RFC 2228, section 3): whoever
// sits on the path could then add some.
func (s *session) cmdCcc(string) {
	if !s.secured() {
		s.say(line(533, "The connection is in clear already. Use AUTH TLS first."))
		return
	}
	s.say(line(534, "Commands stay under TLS here."))
}
