package control_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"natftpd/server/control"
)

// What a client must not be able to do, or must not be able to do to others.
// Each case ends with another session that goes on.

func TestAStrangersDataConnectionGetsNothing(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("for alice alone"))
	c := s.login()
	addr := pasvAddr(t, c.cmd("PASV", "227"))
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 66)}}
	thief, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
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

func TestDrippingBytesDoNotKeepASessionAlive(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.IdleTimeout = 300 * time.Millisecond })
	c := s.login()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	stop := time.After(patience)
	for {
		select {
		case <-stop:
			t.Fatal("one byte now and then holds the session")
		case <-ticker.C:
		}
		if _, err := io.WriteString(c.conn, "N"); err != nil || s.sess.Len() == 0 {
			break
		}
	}
	c.expect("421")
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

func TestTLSRequiredCoversLoginAndData(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.TLSRequired = true })
	c := s.connect()
	c.cmd("USER alice", "530")
	c.cmd("PASS secret", "503")
	c.secure()
	c.cmd("USER alice", "331")
	c.cmd("PASS secret", "230")
	c.cmd("EPSV", "229")
	c.cmd("LIST", "521")
	c.cmd("PBSZ 0", "200")
	c.cmd("PROT C", "534")
}

func TestWithoutTLSItIsNotOffered(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.TLS = nil })
	c := s.connect()
	c.cmd("AUTH TLS", "502")
	if got := c.cmd("FEAT", "211"); strings.Contains(got, "AUTH") {
		t.Errorf("FEAT offers it: %q", got)
	}
}

func TestASecondUSERKeepsTheFirstLogin(t *testing.T) {
	c := serve(t, nil).login()
	c.cmd("USER bob", "503")
	c.cmd("PASS x", "503")
	if got := c.cmd("STAT", "211"); !strings.Contains(got, "alice") {
		t.Errorf("STAT: %q", got)
	}
}

func TestActiveModeReachesOnlyTheClientItself(t *testing.T) {
	s := serve(t, nil)
	c := s.login()
	for command, want := range map[string]string{
		"PORT 127,0,0,2,200,200":       "504", // another host
		"PORT 10,0,0,1,200,200":        "504",
		"PORT 127,0,0,1,0,25":          "504", // a service
		"PORT 127,0,0,1,3,255":         "504", // 1023
		"PORT 127,0,0,1,200,256":       "501",
		"PORT 999,0,0,1,200,200":       "501",
		"PORT 127,0,0,1,200":           "501",
		"PORT ":                        "501",
		"PORT 127.0.0.1:5000":          "501",
		"EPRT |1|127.0.0.2|5000|":      "504",
		"EPRT |1|127.0.0.1|80|":        "504",
		"EPRT |2|::1|5000|":            "504",
		"EPRT |3|127.0.0.1|5000|":      "522",
		"EPRT |1|::1|5000|":            "501",
		"EPRT |1|127.0.0.1|70000|":     "501",
		"EPRT 127.0.0.1":               "501",
		"EPRT |1|localhost|5000|":      "501",
		"EPRT |1|127.0.0.1|5000|extra": "501",
	} {
		if got := c.cmd(command, ""); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %s", command, got, want)
		}
	}
	c.cmd("LIST", "425")
	c.cmd("EPRT $1$127.0.0.1$5000$", "200") // any delimiter will do
	off := serve(t, func(cfg *control.Config) { cfg.ActiveMode = false }).login()
	off.cmd("PORT 127,0,0,1,200,200", "502")
}

func TestEPSVALLExcludesTheRest(t *testing.T) {
	c := serve(t, nil).login()
	c.cmd("EPSV ALL", "200")
	c.cmd("PASV", "503")
	c.cmd("PORT 127,0,0,1,200,200", "503")
	c.cmd("EPRT |1|127.0.0.1|5000|", "503")
	c.cmd("EPSV", "229")
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
	if !strings.Contains(s.log.String(), "login refused") || strings.Contains(s.log.String(), "guess") {
		t.Error("the log must tell of the refusal, and not the password")
	}
}

func TestCommandsBeforeTheLoginAreRefused(t *testing.T) {
	c := serve(t, nil).connect()
	for _, command := range []string{"PASV", "EPSV", "PORT 127,0,0,1,200,200", "LIST", "RETR f", "STOR f", "CWD /", "PWD", "MKD x", "DELE x", "SITE CHMOD 600 x", "STAT /", "ABOR", "REST 1", "TYPE I"} {
		c.cmd(command, "530")
	}
	c.cmd("PASS secret", "503")
	c.cmd("NOOP", "200")
}

func TestRubbishIsAnswered(t *testing.T) {
	c := serve(t, nil).login()
	for command, want := range map[string]string{
		"":                           "500",
		"FOOABOR":                    "500",
		"XSTAT":                      "500",
		"ZQUIT":                      "500",
		"GET / HTTP/1.1":             "500",
		"SITE CHMOD":                 "501",
		"SITE CHMOD 999":             "501",
		"SITE CHMOD rwx f":           "501",
		"SITE CHOWN 0:0 f":           "504",
		"SITE SYMLINK /etc/passwd f": "504",
		"SITE":                       "501",
		"SITE EXEC id":               "504",
		"RNTO x":                     "503",
		"REST -5":                    "501",
		"REST x":                     "501",
		"TYPE L 7":                   "504",
		"TYPE E":                     "504",
		"STRU R":                     "504",
		"MODE B":                     "504",
		"MKD":                        "501",
		"RETR":                       "501",
		"DELE \x01":                  "501",
		"CWD a\rb":                   "501",
		"CWD \x1b[31m":               "501",
		"STOR a\x00b":                "501",
		"HELP NOSUCH":                "502",

		"stru f":                            "200",
		"mode s":                            "200",
		"type i":                            "200",
		"\xff\xfe\x01NOOP":                  "200", // IAC DONT ECHO
		"\xff\xf4\xff\xf2NOOP":              "200", // IP, Synch
		"NOOP":                              "200",
		strings.Repeat("A", 3000):           "500",
		"CWD " + strings.Repeat("a/", 1500): "550",
	} {
		if got := c.cmd(command, ""); !strings.HasPrefix(got, want) {
			t.Errorf("%.40q: got %q, want %s", command, got, want)
		}
	}
}

func TestALongLineIsRefusedAndTheNextIsHeard(t *testing.T) {
	c := serve(t, nil).login()
	c.send(strings.Repeat("A", 20<<10) + "\r\nNOOP\r\n")
	c.expect("500")
	c.expect("200")
}

func TestAnEndlessLineIsCut(t *testing.T) {
	s := serve(t, nil)
	other := s.login()
	c := s.login()
	io.Copy(c.conn, io.LimitReader(iotest.OneByteReader(endless{}), 1<<20)) // until the server hangs up
	c.ended()
	other.cmd("NOOP", "200")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

func TestPipelinedCommandsAreAnsweredInOrder(t *testing.T) {
	c := serve(t, nil).login()
	const n = 2000
	go io.WriteString(c.conn, strings.Repeat("NOOP\r\nPWD\r\n", n))
	for range n {
		c.expect("200")
		c.expect("257")
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

func TestSessionsAreLimited(t *testing.T) {
	s := serve(t, nil)
	var all []*client
	for range 20 { // the limit for one address
		all = append(all, s.connect())
	}
	conn, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := readAll(t, conn); !strings.HasPrefix(got, "421 ") {
		t.Errorf("one too many got %q", got)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}
	elsewhere, err := d.Dial("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	greeting := make([]byte, 3)
	if _, err := io.ReadFull(elsewhere, greeting); err != nil || string(greeting) != "220" {
		t.Errorf("another address got %q, %v", greeting, err)
	}
	all[0].cmd("QUIT", "221")
	all[0].ended()
}

func TestADataConnectionThatNobodyOpensIsGivenUp(t *testing.T) {
	var outcomes []control.Outcome
	s := serve(t, func(cfg *control.Config) {
		cfg.DataTimeout = 50 * time.Millisecond
		cfg.Awaited = func(o control.Outcome) { outcomes = append(outcomes, o) }
	})
	s.write("f", nil)
	c := s.login()
	addr := netip.MustParseAddrPort(pasvAddr(t, c.cmd("PASV", "227")))
	got := c.cmd("RETR f", "425")
	if want := fmt.Sprintf("passive port %d: waited 50ms", addr.Port()); !strings.Contains(got, want) {
		t.Errorf("%q does not say %q", got, want)
	}
	if !strings.Contains(s.log.String(), fmt.Sprintf("advertised=%s", addr)) {
		t.Errorf("the log does not name what was advertised:\n%s", s.log)
	}
	if got := c.download("RETR f", c.pasv()); got != "" {
		t.Errorf("got %q", got)
	}
	if len(outcomes) != 2 || outcomes[0].Arrived || !outcomes[1].Arrived || outcomes[0].Told != addr {
		t.Errorf("the outcomes told are %+v; want the first not arrived, the second arrived", outcomes)
	}
}

func TestAStalledTransferIsGivenUp(t *testing.T) {
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout = 100 * time.Millisecond })
	c := s.login()
	c.pasv()
	c.cmd("STOR f", "150") // and nothing comes
	if got := c.expect("426"); !strings.Contains(got, "stands still") {
		t.Errorf("got %q", got)
	}
	c.cmd("NOOP", "200")
}
