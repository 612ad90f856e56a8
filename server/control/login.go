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
		s.front.refusals.add(s.client, "login refused", "TLS is required (tls.mode), and user "+name+" came without")
		s.say(line(530, "TLS is required here. Use AUTH TLS first."))
	default:
		s.user = name
		s.say(line(331, "Password, please."))
	}
}

// cmdPass checks the password and, if it is right, logs in.
func (s *session) cmdPass(password string) {
	if s.account != nil || s.user == "" {
		s.say(line(503, "USER first."))
		return
	}
	who := driver.Attempt{Name: s.user, Password: password, Client: s.client, LAN: s.neighbour}
	if until, banned := s.front.cfg.Bans.Check(s.client, s.exempt()); banned { // meanwhile, by another session
		s.turnAway(LoginBanned, banText(until), "banned for wrong passwords")
		return
	}
	s.flush() // the check takes its time
	ctx, cancel := context.WithTimeout(s.gone, checkTimeout)
	defer cancel()
	account, err := s.front.cfg.Accounts.Login(ctx, who)
	switch {
	case errors.Is(err, driver.ErrLogin):
		s.wrong(who, err)
	case err != nil:
		s.turnAway(LoginFailed, "Too many logins at a time. Try again in a moment.", err.Error())
	default:
		s.front.cfg.Bans.Succeeded(who)
		s.enter(account)
	}
}

// enter logs in, and the library too.
func (s *session) enter(account *driver.Account) {
	home, err := account.Open()
	if err != nil {
		s.turnAway(LoginFailed, "Your files are not available right now. Try again later.", err.Error())
		return
	}
	err = s.entry.SetUser(account.Name)
	if err != nil || account.Revoked() {
		home.Close()
		if err != nil {
			s.turnAway(LoginFailed, "Too many sessions of this user. Close one, or try again later.", err.Error())
		} else {
			s.turnAway(LoginFailed, "This account has just been changed. Connect again.", "account changed meanwhile")
		}
		return
	}
	s.account, s.home, s.failures = account, home, 0
	s.front.cfg.Counters.Logins.add(LoginGranted)
	s.front.cfg.Happened(Login{Client: s.client, User: account.Name, TLS: s.secured()})
	facts := []any{"user", account.Name, "tls", s.secured()}
	if s.user != account.Name { // ftp, for anonymous
		facts = append(facts, "as", s.user)
	}
	s.log.Info("login", facts...)
	s.hand(forward{line: "PASS", done: func(r reply) reply {
		if r.code != 230 {
			s.log.Error("login not handed on", "user", account.Name, "reply", r.text)
			s.closing = true
			return line(421, "The server could not do that.")
		}
		return line(230, "Welcome, %s.", account.Name)
	}})
}

// wrong refuses a name and a password, always with the same words; the accounts
// have seen to the time.
func (s *session) wrong(who driver.Attempt, err error) {
	s.failures++
	reason := "unknown user or wrong password"
	if errors.Is(err, driver.ErrNotFromHere) {
		reason = "the user may not log in from this address (allow_from)"
	}
	who.LAN = s.exempt()
	until, banned := s.front.cfg.Bans.Failed(who)
	switch {
	case banned:
		s.front.cfg.Happened(Ban{Client: s.client, User: who.Name, Until: until})
		s.turnAway(LoginWrong, banText(until), reason+"; the address is banned until "+until.Format(time.DateTime))
	case s.failures >= maxFailures:
		s.turnAway(LoginWrong, "Too many wrong passwords. Connect again to try another.", reason)
	default:
		s.loginRefused(LoginWrong, reason)
		s.say(line(530, "Login incorrect. Try USER and PASS again."))
	}
	s.user = ""
}

// exempt tells whether bans treat the client as one of our own network.
func (s *session) exempt() bool { return s.neighbour || s.shared }

// turnAway refuses a login and ends the session.
func (s *session) turnAway(result LoginResult, text, reason string) {
	s.loginRefused(result, reason)
	s.say(line(421, "%s", text))
	s.closing = true
}

func (s *session) loginRefused(result LoginResult, reason string) {
	s.front.cfg.Counters.Logins.add(result)
	s.log.Warn("login refused", "user", s.user, "reason", reason, "attempt", s.failures, "tls", s.secured())
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
	s.arrange(meeting{})
	s.user = ""
	s.facts, s.digest, s.epsvAll = allFacts, 0, false
	if s.account == nil {
		return // and the time for a login goes on
	}
	s.opened = time.Now()
	s.log.Info("logout", "user", s.account.Name)
	_ = s.entry.SetUser("") // nobody is always welcome
	s.home.Close()
	s.account, s.home = nil, nil
	s.ascii, s.offset, s.announced = true, 0, -1
}
