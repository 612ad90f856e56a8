package control_test

import (
	"io"
	"testing"
	"time"

	"natftpd/server/control"
)

// A mistake where a transfer comes up is found only when somebody makes it; the
// operator's hook stands for it here.
func TestAMistakeInATransferEndsThatTransferAlone(t *testing.T) {
	s := serve(t, func(cfg *control.Config) {
		cfg.DataTimeout = time.Hour
		cfg.Happened = func(e control.Event) {
			if _, transfer := e.(control.Transfer); transfer {
				panic("a mistake")
			}
		}
	})
	s.write("small", []byte("content"))
	c := s.login()
	c.cmd("TYPE I", "200")
	for range 2 {
		d := c.epsv()
		c.cmd("RETR small", "150")
		if _, err := io.ReadAll(d); err != nil {
			t.Errorf("the data connection stays: %v", err)
		}
		c.expect("451 The server could not do that.")
	}
	c.cmd("NOOP", "200")
	s.login().cmd("NOOP", "200")
}

func TestWhatComesDuringATransferWaitsAndIsHeard(t *testing.T) {
	for kind, login := range logins {
		t.Run(kind, func(t *testing.T) {
			c, d := login(serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour }).withBig()).stall()
			c.send("NOOP\r\nSTAT\r\n") // STAT overtakes
			c.expect("211")
			c.send("PWD\r\n")
			go io.Copy(io.Discard, d)
			c.expect("226")
			c.expect("200")
			c.expect("257")
			c.cmd("NOOP", "200")
		})
	}
}
