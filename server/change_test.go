package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/natdiscovery"
)

// service is a Server that runs on free ports of 127.0.0.1.
type service struct {
	*Server
	cfg Config
}

func startService(t *testing.T) *service {
	t.Helper()
	accounts, err := driver.NewAccounts([]driver.User{{Name: "alice", Password: "secret", Home: t.TempDir(), Access: driver.ReadWrite}}, driver.Files{})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{cfg: Config{
		Log: slog.New(slog.DiscardHandler), Listen: fmt.Sprintf("127.0.0.1:%d", freePort(t)), ActiveMode: true,
		IdleTimeout: time.Minute, DataTimeout: time.Minute, DrainTimeout: time.Second,
		Accounts: accounts, Sessions: driver.NewSessions(driver.Limits{}),
		Status: func() *natdiscovery.Status { return new(natdiscovery.Status) },
	}}
	s.cfg.PassiveFirst = freePort(t)
	s.cfg.PassiveLast = s.cfg.PassiveFirst
	s.Server = New(s.cfg)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for greeting(s.Addr()) != "220 natftpd ready." { // until Run lets people in
	}
	return s
}

// freePort is one that nobody has at this moment, below those that the system hands
// out by itself.
func freePort(t *testing.T) uint16 {
	t.Helper()
	for range 50 {
		port := uint16(20000 + rand.IntN(12000))
		if l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// greeting is what who connects is told first; "": nothing.
func greeting(addr netip.AddrPort) string {
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		return ""
	}
	defer c.Close()
	return answer(c)
}

func answer(c net.Conn) string {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}

// says sends a command and returns the reply.
func says(c net.Conn, command string) string {
	fmt.Fprintf(c, "%s\r\n", command)
	return answer(c)
}

func (s *service) session(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	answer(c)
	says(c, "USER alice")
	if got := says(c, "PASS secret"); !strings.HasPrefix(got, "230") {
		t.Fatal(got)
	}
	return c
}

func TestASessionOutlivesAChangeOfEverything(t *testing.T) {
	s := startService(t)
	before, c := s.Addr(), s.session(t)
	next := s.cfg
	next.Listen = "127.0.0.1:" + fmt.Sprint(freePort(t))
	next.ActiveMode = false
	if err := s.Change(next); err != nil {
		t.Fatal(err)
	}
	if got := greeting(before); got != "" {
		t.Errorf("the former port says %q, want it closed", got)
	}
	own := netip.MustParseAddrPort(c.LocalAddr().String())
	port := fmt.Sprintf("EPRT |1|127.0.0.1|%d|", own.Port())
	if got := says(c, port); !strings.HasPrefix(got, "200") {
		t.Errorf("active mode in a session from before: %s", got)
	}
	if got := says(s.session(t), port); strings.HasPrefix(got, "200") {
		t.Errorf("active mode in a session from after: %s", got)
	}
}

func TestAControlPortMovesBetweenAddressesOfWhichOneHoldsTheOther(t *testing.T) {
	s := startService(t)
	for _, host := range []string{"", "127.0.0.1", "0.0.0.0"} {
		next := s.cfg
		next.Listen = fmt.Sprintf("%s:%d", host, s.Addr().Port())
		if err := s.Change(next); err != nil {
			t.Fatal(err)
		}
		if got := s.Addr(); got.Addr().IsUnspecified() != (host != "127.0.0.1") {
			t.Errorf("listens on %v, want %q", got, host)
		}
		s.session(t)
	}
}

func TestAChangeThatCannotBeLeavesEverythingAsItWas(t *testing.T) {
	foreign, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	taken := uint16(foreign.Addr().(*net.TCPAddr).Port)
	tests := map[string]func(*Config){
		"a control port that is taken": func(c *Config) { c.Listen = fmt.Sprintf("127.0.0.1:%d", taken) },
		"a TLS port that is taken, after another address for the control port": func(c *Config) {
			_, port, _ := net.SplitHostPort(c.Listen)
			c.Listen, c.ListenTLS = ":"+port, fmt.Sprintf("127.0.0.1:%d", taken)
		},
		"a passive port that is taken": func(c *Config) {
			_, port, _ := net.SplitHostPort(c.Listen)
			c.Listen, c.PassiveFirst, c.PassiveLast = ":"+port, taken, taken
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			s := startService(t)
			before := s.Addr()
			next := s.cfg
			next.ActiveMode = false
			change(&next)
			if err := s.Change(next); !errors.Is(err, syscall.EADDRINUSE) {
				t.Fatalf("got %v, want an address in use", err)
			}
			if s.Addr() != before {
				t.Errorf("listens on %v, want %v", s.Addr(), before)
			}
			c := s.session(t)
			own := netip.MustParseAddrPort(c.LocalAddr().String())
			if got := says(c, fmt.Sprintf("EPRT |1|127.0.0.1|%d|", own.Port())); !strings.HasPrefix(got, "200") {
				t.Errorf("active mode, which was to stay: %s", got)
			}
		})
	}
}
