package control_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/server/control"
)

func bansAfter(t *testing.T, failures int, exempt driver.Origins) *driver.Bans {
	t.Helper()
	b, err := driver.NewBans(driver.BanConfig{Failures: failures, First: time.Hour, Longest: time.Hour, Exempt: exempt})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWrongPasswordsEndInABan(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := serve(t, func(cfg *control.Config) { cfg.Bans = bansAfter(t, 1, driver.Origins{}) })
	waiting := s.connect()
	waiting.cmd("USER alice", "331")
	c := s.connect()
	c.cmd("USER alice", "331")
	if got := c.cmd("PASS guess", "421"); !strings.Contains(got, "Try again in 1h0m0s") {
		t.Errorf("%q does not say for how long", got)
	}
	c.ended()
	waiting.cmd("PASS secret", "421") // connections opened before are no way around
	conn := s.raw("127.0.0.1")
	if got := readAll(t, conn); !strings.HasPrefix(got, "421 Too many wrong passwords") {
		t.Errorf("a new connection got %q", got)
	}
	s.greeted(s.raw("127.0.0.9")).cmd("NOOP", "200")
	if !strings.Contains(s.log.String(), "the address is banned until") {
		t.Errorf("the log does not tell of the ban:\n%s", s.log)
	}
}

func TestNeighboursAndOurOwnRouterAreNotBanned(t *testing.T) {
	for name, change := range map[string]func(*control.Config){
		"a neighbour":                  func(cfg *control.Config) { cfg.Neighbour = netip.Addr.IsLoopback },
		"an address that hides others": func(cfg *control.Config) { cfg.Shared = netip.Addr.IsLoopback },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			s := serve(t, func(cfg *control.Config) {
				cfg.Bans = bansAfter(t, 1, driver.Origins{LAN: true})
				change(cfg)
			})
			c := s.connect()
			c.cmd("USER alice", "331")
			c.cmd("PASS guess", "530")
			c.cmd("USER alice", "331")
			c.cmd("PASS secret", "230")
		})
	}
}

func TestTheThirdWrongPasswordEndsTheSession(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := serve(t, nil)
	s.login() // a success before means nothing
	c := s.connect()
	for _, want := range []string{"530", "530", "421"} {
		c.cmd("USER alice", "331")
		c.cmd("PASS guess", want)
	}
	c.ended()
}

func TestAUserHasSoManySessions(t *testing.T) {
	s := serve(t, nil)
	s.sess.SetLimits(driver.Limits{PerUser: 1})
	first := s.login()
	second := s.connect()
	second.cmd("USER alice", "331")
	second.cmd("PASS secret", "421 Too many sessions of this user")
	second.ended()
	first.cmd("REIN", "220") // gives the place back
	s.login()
}

func TestConnectionsThatComeTooFastAreRefused(t *testing.T) {
	s := serve(t, nil)
	s.sess.SetLimits(driver.Limits{NewPerSecond: 2})
	refused := 0
	for range 100 {
		if got := readLine(t, s.raw("127.0.0.1")); strings.HasPrefix(got, "421 Too many connections") {
			refused++
		}
	}
	if refused < 50 {
		t.Errorf("%d of 100 were refused", refused)
	}
	if n := strings.Count(s.log.String(), "control connection refused"); n != 1 {
		t.Errorf("%d lines in the log, want one", n)
	}
	s.greeted(s.raw("127.0.0.2")).cmd("NOOP", "200")
}

func readLine(t testing.TB, conn net.Conn) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	for one := make([]byte, 1); !strings.HasSuffix(string(got), "\n"); {
		n, err := conn.Read(one)
		if got = append(got, one[:n]...); err != nil {
			break
		}
	}
	return string(got)
}

func TestAUserComesFromWhereItMay(t *testing.T) {
	t.Parallel() // it waits most of the time
	for name, c := range map[string]struct {
		from      string
		neighbour bool
		want      string
	}{
		"one of the addresses":   {"127.0.0.7", false, "230"},
		"another address":        {"127.0.0.8", false, "530 Login incorrect."},
		"the network of our own": {"127.0.0.8", true, "230"},
	} {
		t.Run(name, func(t *testing.T) {
			allowed := driver.Origins{LAN: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.7/32")}}
			s := serveAs(t, driver.User{Access: driver.ReadWrite, AllowFrom: allowed}, func(cfg *control.Config) {
				cfg.Neighbour = func(netip.Addr) bool { return c.neighbour }
			})
			client := s.greeted(s.raw(c.from))
			client.cmd("USER alice", "331")
			client.cmd("PASS secret", c.want)
			if told := strings.Contains(s.log.String(), "allow_from"); told != (c.want[0] == '5') {
				t.Errorf("the log tells of the address: %v\n%s", told, s.log)
			}
		})
	}
}

func TestASessionBeginsInTheStartFolder(t *testing.T) {
	for start, want := range map[string]string{"/photos": "/photos", "/missing": "/", "": "/"} {
		s := serveAs(t, driver.User{Access: driver.ReadWrite, Start: start}, nil)
		s.mkdir("photos")
		s.login().cmd("PWD", `257 "`+want+`"`)
	}
}
