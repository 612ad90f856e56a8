package control_test

import (
	"crypto/tls"
	"testing"
	"time"

	"natftpd/server/control"
)

func TestImplicitFTPSIsTLSFromTheFirstByte(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("under TLS"))
	c := s.connectTLS()
	c.cmd("AUTH TLS", "503")
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230")
	// Data connections are protected without PBSZ and PROT.
	if got := c.download("RETR f", tls.Client(c.epsv(), s.tls)); got != "under TLS" {
		t.Errorf("got %q", got)
	}
	c.cmd("PROT C", "200")
	if got := c.download("RETR f", c.epsv()); got != "under TLS" {
		t.Errorf("in clear: got %q", got)
	}
}

func TestImplicitFTPSSuitsAServerThatRequiresTLS(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.TLSRequired = true })
	c := s.connectTLS()
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230")
	c.cmd("PROT C", "534")
	if got := c.download("LIST", tls.Client(c.epsv(), s.tls)); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestAHandshakeThatDoesNotComeIsGivenUp(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.Patience.Handshake = 50 * time.Millisecond })
	if got := readAll(t, s.halfOpen("127.0.0.1")); got != "" {
		t.Errorf("got %q", got)
	}
	s.emptied()
	c := s.connect()
	c.cmd("AUTH TLS", "234")
	c.ended()
}

func TestHandshakesOfOneAddressKeepNobodyElseWaiting(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.Patience.Handshake = time.Hour })
	for range 19 {
		s.halfOpen("127.0.0.5")
	}
	s.connectTLS().cmd("NOOP", "200")
}

func TestImplicitFTPSIsOverWhenTLSIsSwitchedOff(t *testing.T) {
	var cfg control.Config
	s := serve(t, func(c *control.Config) { cfg = *c })
	s.connectTLS().cmd("NOOP", "200")
	cfg.TLS = nil
	s.front.Change(cfg)
	if got := readAll(t, s.halfOpen("127.0.0.1")); got != "" {
		t.Errorf("got %q", got)
	}
	s.login().cmd("AUTH TLS", "502")
}

func TestREINGoesBackToTheBeginning(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("content"))
	for name, connect := range map[string]func() *client{
		"in clear": s.connect,
		"explicit": func() *client { c := s.connect(); c.secure(); return c },
		"implicit": s.connectTLS,
	} {
		t.Run(name, func(t *testing.T) {
			c := connect()
			c.t = t
			c.cmd("REIN", "220") // also before a login
			c.reopened(name)
			c.cmd("USER alice", "331")
			c.cmd("PASS secret", "230")
			c.cmd("MKD "+name[:2], "257")
			c.cmd("CWD "+name[:2], "250")
			c.cmd("TYPE I", "200")
			c.cmd("OPTS MLST size;", "200")
			c.cmd("OPTS HASH MD5", "200")
			c.cmd("REST 3", "350")
			c.cmd("EPSV", "229")
			c.cmd("REIN", "220")
			c.reopened(name)
			c.cmd("PWD", "530")
			c.cmd("USER alice", "331")
			c.cmd("PASS secret", "230")
			c.cmd("PWD", `257 "/"`)
			c.cmd("LIST", "425")   // the data connection went too
			c.cmd("REST 3", "501") // as did TYPE I
			c.cmd("MLST f", "250-Facts:\r\n type=file;size=7;")
			c.cmd("OPTS HASH", "200 SHA-256")
		})
	}
}

// reopened follows the end of TLS that REIN brings (RFC 4217, section 11).
func (c *client) reopened(kind string) {
	c.t.Helper()
	channel, ok := c.conn.(*tls.Conn)
	if !ok {
		return
	}
	if n, err := channel.Read(make([]byte, 1)); err == nil {
		c.t.Fatalf("%d bytes came before the close_notify", n)
	}
	if err := channel.CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
	fresh := *c
	fresh.conn = channel.NetConn()
	fresh.conn.SetDeadline(time.Time{}) // CloseWrite leaves one behind
	if kind == "implicit" {
		fresh.conn = tls.Client(channel.NetConn(), c.s.tls)
	}
	fresh.r.Reset(fresh.conn)
	*c = fresh
	if kind == "implicit" {
		c.expect("220")
	}
}
