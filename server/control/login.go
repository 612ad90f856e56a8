package control

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"time"

	"natftpd/driver"
)

const (
	// maxFailures is how many wrong passwords a session may send.
	maxFailures = 3
	// checkTimeout bounds the wait for a place among the password checks.
	checkTimeout = 20 * time.Second
	// handshakeTimeout is how long a TLS handshake may take.
	handshakeTimeout = 15 * time.Second
)

// cmdUser takes a name. Whether it is known shows only with the password.
func (s *session) cmdUser(name string) {
	switch {
	case s.account != nil:
		// A second login would leave the first one's home behind.
		s.say(line(503, "You are logged in already. Open a new connection for another user."))
	case s.front.cfg.TLSRequired && !s.secured():
		s.say(line(530, "TLS is required here. Use AUTH TLS first."))
	default:
		s.user = name
		s.say(line(331, "Password, please."))
	}
}

// cmdPass checks the password and, if it is right, logs the library in too.
func (s *session) cmdPass(password string) {
	if s.account != nil || s.user == "" {
		s.say(line(503, "USER first."))
		return
	}
	ctx, cancel := context.WithTimeout(s.gone, checkTimeout)
	defer cancel()
	account, err := s.front.cfg.Accounts.Login(ctx, driver.Attempt{Name: s.user, Password: password, Client: s.client})
	if err != nil {
		s.loginFailed(err)
		return
	}
	home, err := account.Open()
	if err != nil {
		s.log.Error("home cannot be opened", "user", account.Name, "error", err)
		s.say(line(421, "Your files are not available right now. Try again later."))
		s.closing = true
		return
	}
	s.account, s.home = account, home
	s.entry.SetUser(account.Name)
	s.log.Info("login", "user", account.Name, "tls", s.secured())
	s.hand(forward{line: "USER " + account.Name, done: func(reply) reply { return reply{} }})
	s.hand(forward{line: "PASS", done: func(r reply) reply {
		if r.code != 230 {
			s.log.Error("login not handed on", "user", account.Name, "reply", r.text)
			s.closing = true
			return line(421, "The server could not do that.")
		}
		return line(230, "Welcome, %s.", account.Name)
	}})
}

// loginFailed refuses, always with the same words; the accounts have seen to the
// time.
func (s *session) loginFailed(err error) {
	s.failures++
	reason := err.Error()
	if errors.Is(err, driver.ErrLogin) {
		reason = "unknown user or wrong password"
	}
	s.log.Warn("login refused", "user", s.user, "reason", reason, "attempt", s.failures)
	s.user = ""
	if s.failures >= maxFailures {
		s.say(line(421, "Too many wrong passwords."))
		s.closing = true
		return
	}
	s.say(line(530, "Login incorrect."))
}

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
	// Commands that came in clear behind AUTH were not said under TLS.
	s.input.discard()
	s.user = ""
	channel := tls.Server(s.tcp, s.front.cfg.TLS)
	s.tcp.SetDeadline(time.Now().Add(handshakeTimeout))
	err := channel.HandshakeContext(s.gone)
	s.conn = channel
	if err != nil {
		s.log.Warn("TLS handshake on the control connection", "reason", err)
		s.closing = true
		return
	}
	s.log.Debug("TLS", "version", tls.VersionName(channel.ConnectionState().Version), "resumed", channel.ConnectionState().DidResume)
}

// cmdPbsz: the buffer is always 0 for TLS (RFC 4217, section 9).
func (s *session) cmdPbsz(string) {
	if !s.secured() {
		s.say(line(503, "AUTH TLS first."))
		return
	}
	s.pbsz = true
	s.say(line(200, "PBSZ=0"))
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
