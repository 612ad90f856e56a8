package control_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"natftpd/server/control"
)

// endlessHash lets a client hash a file so large that it takes minutes: it has
// no content, so the disk is not asked.
func endlessHash(t *testing.T, s *service) *client {
	t.Helper()
	s.write("huge", nil)
	if err := os.Truncate(filepath.Join(s.home, "huge"), 1<<40); err != nil {
		t.Skip("no sparse files here:", err)
	}
	c := s.login()
	c.send("XSHA512 huge\r\n")
	return c
}

func TestABOREndsAHash(t *testing.T) {
	s := serve(t, nil)
	c := endlessHash(t, s)
	c.cmd("STAT", "211") // it is under way
	c.cmd("ABOR", "451")
	c.expect("226")
	c.cmd("PWD", "257")
}

func TestABORIsHeardHoweverLongATransferTakes(t *testing.T) {
	const idle = 100 * time.Millisecond
	s := serve(t, func(cfg *control.Config) { cfg.IdleTimeout = idle })
	c := endlessHash(t, s)
	c.cmd("STAT", "211")   // it is under way
	<-time.After(2 * idle) // the alarm from before it goes off
	c.cmd("ABOR", "451")
	c.expect("226")
}

func TestAHashKeepsNobodyElseWaiting(t *testing.T) {
	s := serve(t, nil)
	for range 8 { // more than hash at once
		endlessHash(t, s)
	}
	s.login().cmd("PWD", "257")
}

func TestAHashEndsWithItsSession(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.IdleTimeout = time.Millisecond })
	endlessHash(t, s).conn.Close()
	s.emptied()
}

func TestAShutdownDoesNotWaitForAHash(t *testing.T) {
	s := serve(t, nil)
	c := endlessHash(t, s)
	c.cmd("STAT", "211")
	if killed := s.sess.Drain(t.Context()); killed != 0 {
		t.Errorf("%d sessions were killed", killed)
	}
	c.expect("451")
	c.expect("421")
}

func TestCommandsBehindAHashWaitForIt(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("content"))
	c := s.login()
	c.send("XMD5 f\r\nPWD\r\nXMD5 nowhere\r\nNOOP\r\n")
	for _, want := range []string{"250 9A0364B9E99BB480DD25E1F0284C8555", "257", "550", "200"} {
		c.expect(want)
	}
}
