package control_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"natftpd/server/control"
)

// stalling starts a download that the client does not read, so that it runs
// until somebody ends it.
func stalling(t *testing.T, s *service) (*client, net.Conn) {
	t.Helper()
	return s.withBig().login().stall()
}

// withBig has a file that is too large for what the sockets hold.
func (s *service) withBig() *service {
	s.t.Helper()
	s.write("big", make([]byte, 32<<20))
	return s
}

func (c *client) stall() (*client, net.Conn) {
	c.t.Helper()
	c.cmd("TYPE I", "200")
	d := c.epsv()
	c.cmd("RETR big", "150")
	c.wrap(d).Read(make([]byte, 1)) // the handshake is done, where there is one
	return c, d
}

// logins are the two ways of being alice, by what they are called.
var logins = map[string]func(*service) *client{"in clear": (*service).login, "under TLS": (*service).loginTLS}

func TestABOREndsATransferAtOnce(t *testing.T) {
	for kind, login := range logins {
		t.Run(kind, func(t *testing.T) {
			c, _ := login(serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour }).withBig()).stall()
			c.send("ABOR\r\n")
			c.expect("426")
			c.expect("226")
			c.cmd("NOOP", "200")
		})
	}
}

func TestAClientThatDropsItsDataConnectionIsTold426(t *testing.T) {
	for kind, login := range logins {
		t.Run(kind, func(t *testing.T) {
			c, d := login(serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour }).withBig()).stall()
			d.Close()
			c.expect("426")
			c.cmd("NOOP", "200")
		})
	}
}

func TestABOREndsTheWaitForADataConnection(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour })
	s.write("f", nil)
	for name, arrange := range map[string]func(c *client){
		"passive":             func(c *client) { c.cmd("PASV", "227") },
		"after a refused one": func(c *client) { c.cmd("EPSV", "229") },
	} {
		t.Run(name, func(t *testing.T) {
			c := s.login()
			arrange(c)
			c.send("RETR f\r\nABOR\r\n")
			c.expect("426")
			c.expect("226")
			c.cmd("RETR f", "425")
		})
	}
}

// However late it comes: when all was sent, or when the transfer's own reply is on
// its way.
func TestABORAtTheVeryEndIsAnswered(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("content"))
	c := s.login()
	for range 300 {
		d := c.epsv()
		c.cmd("RETR f", "150")
		if _, err := io.ReadAll(d); err != nil {
			t.Fatal(err)
		}
		c.send("ABOR\r\n")
		c.reply() // 226, or 426
		c.expect("226")
	}
}

func TestABORWithoutATransfer(t *testing.T) {
	c := serve(t, nil).login()
	c.cmd("ABOR", "226")
	c.cmd("PASV", "227")
	c.cmd("ABOR", "226")
	c.cmd("LIST", "425") // it took the data connection with it
}

func TestDuringATransferOnlyABORAndSTATOvertake(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour })
	c, d := stalling(t, s)
	c.send("NOOP\r\nPWD\r\nSTAT\r\n")
	if got := c.expect("211"); !strings.Contains(got, "RETR big") {
		t.Errorf("STAT does not tell of the transfer: %q", got)
	}
	go io.Copy(io.Discard, d)
	c.expect("226")
	c.expect("200")
	c.expect("257")
}

func TestManyCommandsWaitForATransfer(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour })
	c, d := stalling(t, s)
	const n = 500 // more than are held
	c.send(strings.Repeat("NOOP\r\n", n))
	go io.Copy(io.Discard, d)
	c.expect("226")
	for range n {
		c.expect("200")
	}
}

func TestAControlConnectionThatBreaksTakesItsTransferAlong(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour })
	c, d := stalling(t, s)
	c.conn.Close()
	s.emptied() // only then is read on, or all of the file might come before the end is seen
	if n, err := io.Copy(io.Discard, d); err == nil {
		t.Errorf("the data connection ended in order after %d bytes: half a file looks whole", n)
	}
}

func TestDrainLetsTransfersFinish(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour })
	idle := s.login()
	busy, d := stalling(t, s)
	drained := make(chan int)
	go func() { drained <- s.sess.Drain(context.Background()) }()
	idle.expect("421")
	idle.ended()
	if n, err := io.Copy(io.Discard, d); err != nil || n != 32<<20-1 {
		t.Errorf("the transfer got %d bytes, %v", n, err)
	}
	busy.expect("226")
	busy.expect("421")
	if killed := <-drained; killed != 0 {
		t.Errorf("%d sessions were killed", killed)
	}
}

func TestDrainCutsWhatDoesNotFinish(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = time.Hour })
	c, _ := stalling(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if killed := s.sess.Drain(ctx); killed != 1 {
		t.Errorf("%d sessions were killed, want 1", killed)
	}
	c.ended()
}

func TestAnIdleSessionIsEndedButNotDuringATransfer(t *testing.T) {
	s := serve(t, func(cfg *control.Config) {
		cfg.IdleTimeout = 250 * time.Millisecond
		cfg.DataTimeout = time.Hour
	})
	c, d := stalling(t, s)
	<-time.After(600 * time.Millisecond) // more than twice as long as idle
	if n, err := io.Copy(io.Discard, d); err != nil || n != 32<<20-1 {
		t.Errorf("the transfer got %d bytes, %v", n, err)
	}
	c.expect("226")
	c.expect("421")
	c.ended()
}
