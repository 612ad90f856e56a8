package control

import (
	"context"
	"errors"
	"time"

	"natftpd/driver"
)

const (
	// maxFailures is how many wrong passwords a session may send.
	maxFailures = 3
	// checkTimeout bounds the wait for a place among the password checks.
	checkTimeout = 20 * time.Second
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
	s.flush() // the check takes its time
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
	s.hand(forward{line: "USER " + account.Name, done: silent})
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

// cmdRein ends the login and goes back to where the connection began (RFC 959,
// section 4.1.1), in clear (RFC 4217, section 11); where TLS is spoken from the
// first byte it begins anew.
func (s *session) cmdRein(string) {
	s.say(line(220, "Ready for a new user."))
	s.logout()
	if !s.secured() {
		return
	}
	err := s.unsecure()
	if err == nil && s.implicit {
		if err = s.secure(); err == nil {
			s.say(line(220, "%s", s.front.cfg.Banner))
		}
	}
	s.closing = err != nil
}

// logout forgets the login and all that was chosen since. The library's own
// login stays, with nothing behind it: it hears no command before the next.
func (s *session) logout() {
	s.arrange(nil)
	s.user = ""
	s.facts, s.epsvAll = allFacts, false
	s.opened = time.Now()
	if s.account == nil {
		return
	}
	s.log.Info("logout", "user", s.account.Name)
	s.home.Close()
	s.account, s.home = nil, nil
	for _, text := range []string{"TYPE I", "REST 0", "TYPE A"} { // it takes no REST in ASCII
		s.hand(forward{line: text, done: silent})
	}
	s.restart = false
}

// silent is what the client is told of lines that it did not send.
func silent(reply) reply { return reply{} }
