package control_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Attacks that take more than a few commands.

func TestAStrangersDataConnectionGetsNothing(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("for alice alone"))
	c := s.login()
	addr := pasvAddr(t, c.cmd("PASV", "227"))
	thief := c.dialFrom(addr, "127.0.0.66")
	if got := readAll(t, thief); got != "" {
		t.Fatalf("the thief got %q", got)
	}
	// Neither is the rightful client denied, nor does a retry help the thief.
	if got := c.download("RETR f", c.dial(addr)); got != "for alice alone" {
		t.Errorf("got %q", got)
	}
	c.cmd("RETR f", "425")
}

func TestHalfALineIsNoCommand(t *testing.T) {
	for name, end := range map[string]func(c *client){
		"the connection ends":   func(c *client) { c.conn.(*net.TCPConn).CloseWrite() },
		"the connection breaks": func(c *client) { c.conn.(*net.TCPConn).SetLinger(0); c.conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			s.write("report", nil)
			s.write("report-old", nil)
			c := s.login()
			c.send("DELE report")
			end(c)
			s.emptied()
			if _, err := os.Stat(filepath.Join(s.home, "report")); err != nil {
				t.Errorf("the cut command was executed: %v", err)
			}
		})
	}
}

func TestTLSProtectionIsNeverSilentlyOff(t *testing.T) {
	s := serve(t, nil)
	c := s.connect()
	c.cmd("PBSZ 0", "503")
	c.cmd("PROT P", "503")
	c.cmd("AUTH BOGUS", "504")
	c.cmd("AUTH", "501")
	c.cmd("CCC", "533")
	c.secure()
	c.cmd("CCC", "534")
	c.cmd("AUTH TLS", "503")
	c.cmd("PROT P", "503") // PBSZ first
	c.cmd("PBSZ x", "501")
	c.cmd("PBSZ 16384", "200 PBSZ=0")
	c.cmd("PBSZ 0", "200")
	for _, level := range []string{"S", "E", "Q", "X"} {
		c.cmd("PROT "+level, "5")
	}
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230")
	c.cmd("prot p", "200")
	s.write("f", []byte("content"))
	d := c.pasv()
	c.cmd("RETR f", "150")
	head := make([]byte, 1)
	fmt.Fprint(d, "GET / HTTP/1.0\r\n\r\n") // no ClientHello
	if n, _ := d.Read(head); n > 0 && head[0] != 21 {
		t.Errorf("lower case PROT P left the data connection in clear: %q", head[:n])
	}
	c.expect("426")
	// In clear, AUTH after the login would keep the login.
	c = s.login()
	c.cmd("AUTH TLS", "503")
}

func TestWhatIsSaidInClearBehindAUTHIsForgotten(t *testing.T) {
	s := serve(t, nil)
	c := s.connect()
	c.send("AUTH TLS\r\nUSER alice\r\nPASS secret\r\n")
	c.expect("234")
	channel := tls.Client(c.conn, s.tls)
	if err := channel.Handshake(); err != nil {
		return // the clear text broke it, which is as good
	}
	c.conn, c.r = channel, bufio.NewReader(channel)
	c.cmd("PASS secret", "503")
	c.cmd("NOOP", "200")
}

func TestWhatIsSaidInClearDuringATransferIsForgottenBehindAUTH(t *testing.T) {
	c, _ := stalling(t, serve(t, nil))
	c.send("REIN\r\nAUTH TLS\r\nUSER alice\r\nPASS secret\r\nSTAT\r\n")
	c.expect("211") // it overtakes what has to wait
	c.send("ABOR\r\n")
	for _, want := range []string{"426", "226", "220", "234"} {
		c.expect(want)
	}
	channel := tls.Client(c.conn, c.s.tls)
	if err := channel.Handshake(); err != nil {
		t.Fatal(err)
	}
	c.conn, c.r = channel, bufio.NewReader(channel)
	c.cmd("PASS secret", "503")
}

func TestGuessingIsBrakedAndEnds(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := serve(t, nil)
	c := s.connect()
	begun := time.Now()
	c.cmd("USER alice", "331")
	wrong := c.cmd("PASS guess", "530")
	c.cmd("USER nobody", "331")
	if unknown := c.cmd("PASS guess", "530"); unknown != wrong {
		t.Errorf("an unknown user is told %q, a wrong password %q", unknown, wrong)
	}
	if took := time.Since(begun); took < 2*time.Second {
		t.Errorf("two guesses took %s", took)
	}
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230") // a second and third try are allowed
	s.connect().cmd("PASS\tguess", "501")
	if !strings.Contains(s.log.String(), "login refused") || strings.Contains(s.log.String(), "guess") {
		t.Error("the log must tell of the refusal, and not the password")
	}
}

func TestHalfATLSHandshakeHarmsNobody(t *testing.T) {
	s := serve(t, nil)
	c := s.connect()
	c.cmd("AUTH TLS", "234")
	c.send("\x16\x03\x01") // and no more
	s.login().cmd("NOOP", "200")
	c.conn.Close()
}

func TestTLSOfThePastIsRefused(t *testing.T) {
	s := serve(t, nil)
	other := s.login()
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		c := s.connect()
		c.cmd("AUTH TLS", "234")
		old := s.tls.Clone()
		old.MinVersion, old.MaxVersion = version, version
		if err := tls.Client(c.conn, old).Handshake(); err == nil {
			t.Errorf("%s was taken", tls.VersionName(version))
		}
		c.conn.Close()
	}
	other.cmd("NOOP", "200")
}

func TestRubbishForAHandshakeEndsTheConnection(t *testing.T) {
	s := serve(t, nil)
	other := s.login()
	for name, rubbish := range map[string]string{
		"HTTP":               "GET / HTTP/1.1\r\n\r\n",
		"FTP":                "USER alice\r\nPASS secret\r\n",
		"a record too large": "\x16\x03\x01\xff\xff" + strings.Repeat("A", 70_000),
		"an alert":           "\x15\x03\x01\x00\x02\x02\x28",
		"no hello":           "\x17\x03\x03\x00\x05AAAAA",
	} {
		t.Run(name, func(t *testing.T) {
			c := s.connect()
			c.t = t
			c.cmd("AUTH TLS", "234")
			io.WriteString(c.conn, rubbish)
			c.ended()
			implicit := s.halfOpen("127.0.0.1")
			io.WriteString(implicit, rubbish)
			readAll(t, implicit)
			other.cmd("NOOP", "200")
		})
	}
	if strings.Contains(s.log.String(), "secret") {
		t.Error("the log has what was sent")
	}
}
