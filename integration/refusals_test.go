//go:build linux

package integration

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/refusals.golden")

// refusal is a setting and a client that runs into it.
type refusal struct {
	title string
	// ftp are settings of ftp, alice those of her account, sections others.
	ftp, alice string
	sections   []string
	// does is what the client does: "connect", "connect 5 times" of which the last
	// counts, "log in", "handshake", "upload NAME SIZE", and the commands of FTP.
	does []string
}

var refusals = []refusal{
	{title: "an address that guessed passwords", sections: []string{"bans: {after: 2, time: 15m, exempt: []}"},
		does: []string{"connect", "USER alice", "PASS one", "USER alice", "PASS two", "connect"}},
	{title: "an account that may log in from elsewhere only", alice: "allow_from: [198.51.100.0/24]",
		does: []string{"connect", "USER alice", "PASS correct horse"}},
	{title: "more sessions than there may be", ftp: "max_sessions: 1", does: []string{"connect", "connect"}},
	{title: "more sessions than one address may have", ftp: "max_sessions_per_ip: 1", does: []string{"connect", "connect"}},
	{title: "more sessions than one user may have", ftp: "max_sessions_per_user: 1",
		does: []string{"connect", "log in", "connect", "USER alice", "PASS correct horse"}},
	{title: "connections faster than one address may make them", ftp: "new_sessions_per_ip: 1", does: []string{"connect 5 times"}},
	{title: "a login in clear where TLS is required", sections: []string{"tls: {mode: required}"},
		does: []string{"connect", "USER alice"}},
	{title: "data connections in clear where TLS is required", sections: []string{"tls: {mode: required}"},
		does: []string{"connect", "AUTH TLS", "handshake", "log in", "EPSV", "LIST"}},
	{title: "TLS where it is off", sections: []string{"tls: {mode: off}"}, does: []string{"connect", "AUTH TLS"}},
	{title: "changes in a home that is read-only", alice: "access: read-only",
		does: []string{"connect", "log in", "upload notes.txt 10", "MKD folder", "DELE notes.txt", "RNFR notes.txt"}},
	{title: "a download from a home for uploads only", alice: "access: upload-only",
		does: []string{"connect", "log in", "upload notes.txt 10", "EPSV", "RETR notes.txt", "DELE notes.txt"}},
	{title: "an upload beyond the quota", alice: "quota: 1KB",
		does: []string{"connect", "log in", "upload small.bin 400", "upload large.bin 2000", "ALLO 2000"}},
	{title: "a data connection that nobody opens", ftp: "data_timeout: 5s", does: []string{"connect", "log in", "EPSV", "LIST"}},
	{title: "PORT to somebody else, and to a service", does: []string{"connect", "log in", "PORT 198,51,100,7,200,10", "PORT 127,0,0,1,0,25"}},
	{title: "PORT where active mode is off", ftp: "active_mode: false", does: []string{"connect", "log in", "PORT 127,0,0,1,200,10"}},
}

// TestWhoIsRefusedIsToldWhy runs natftpd with each setting, and keeps what the
// client and the operator read in a golden file: a stranger must understand it.
func TestWhoIsRefusedIsToldWhy(t *testing.T) {
	told := make([]string, len(refusals))
	t.Run("refusals", func(t *testing.T) {
		for i, r := range refusals {
			t.Run(r.title, func(t *testing.T) {
				t.Parallel()
				told[i] = r.play(t)
			})
		}
	})
	golden := filepath.Join("testdata", "refusals.golden")
	got := strings.Join(told, "\n")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s\nIf the new words are better, run this test with -update.", got, want)
	}
}

// play returns the settings, what was said and what the log tells of it.
func (r refusal) play(t *testing.T) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	settings := r.sections
	text := "# " + r.title + "\n"
	for _, s := range r.sections {
		text += "# " + s + "\n"
	}
	if r.ftp != "" {
		text += "# ftp: {" + r.ftp + "}\n"
	}
	if r.alice != "" {
		text += "# users: [{name: alice, " + r.alice + "}]\n"
		settings = append(settings, "users:\n"+account(user, home, r.alice))
	}
	s := configureLocal(t, r.ftp, settings...)
	s.start(t)
	before := len(s.Log())
	c := &conversation{t: t, s: s, said: new(strings.Builder)}
	for _, what := range r.does {
		c.do(what)
	}
	c.hangUp()
	if code := s.Stop(t, syscall.SIGTERM, stopWithin); code != 0 {
		t.Errorf("exit code %d", code)
	}
	return text + c.said.String() + loggedSince(s.Log()[before:])
}

// conversation is a client that writes down what is said.
type conversation struct {
	t    *testing.T
	s    *local
	said *strings.Builder
	open []net.Conn
	text *textproto.Conn
}

func (c *conversation) do(what string) {
	c.t.Helper()
	verb, rest, _ := strings.Cut(what, " ")
	switch verb {
	case "connect":
		const often = 5
		for range map[string]int{"": 1, "5 times": often}[rest] {
			conn, err := c.s.Dial(c.s.addr)
			if err != nil {
				c.t.Fatal(err)
			}
			c.use(conn)
		}
		c.write("(%s)", what)
		c.reply()
	case "log":
		c.logIn()
	case "handshake":
		channel := tls.Client(c.open[len(c.open)-1], &tls.Config{InsecureSkipVerify: true}) // it is self-signed
		c.use(channel)
	case "upload":
		c.upload(rest)
	default:
		c.ask(what)
	}
}

// logIn does what goes without saying.
func (c *conversation) logIn() {
	c.t.Helper()
	said := c.said
	c.said = new(strings.Builder)
	c.ask("USER " + user)
	if code, text := c.ask("PASS " + password); code != 230 {
		c.t.Fatalf("login: %d %s", code, text)
	}
	c.said = said
	c.write("(log in)")
}

func (c *conversation) use(conn net.Conn) {
	c.open = append(c.open, conn)
	c.text = textproto.NewConn(conn)
	if err := conn.SetDeadline(time.Now().Add(2 * answerWithin)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *conversation) ask(command string) (code int, text string) {
	c.t.Helper()
	c.write("> %s", command)
	if err := c.text.PrintfLine("%s", command); err != nil {
		c.t.Fatal(err)
	}
	return c.reply()
}

func (c *conversation) reply() (code int, text string) {
	c.t.Helper()
	code, text, err := c.text.ReadResponse(0)
	if err != nil {
		c.t.Fatalf("%v after\n%s", err, c.said.String())
	}
	c.write("< %d %s", code, text)
	return code, text
}

func (c *conversation) upload(nameAndSize string) {
	c.t.Helper()
	var name string
	var size int
	if _, err := fmt.Sscan(nameAndSize, &name, &size); err != nil {
		c.t.Fatal(err)
	}
	_, text := c.ask("EPSV")
	m := reply229.FindStringSubmatch(text)
	if m == nil {
		c.t.Fatalf("229: %s", text)
	}
	data, err := c.s.Dial(netip.MustParseAddrPort("127.0.0.1:" + m[1]))
	if err != nil {
		c.t.Fatal(err)
	}
	defer data.Close()
	if code, _ := c.ask("STOR " + name); code != 150 {
		return
	}
	_, _ = data.Write(make([]byte, size)) // the server may hang up on it
	data.Close()
	c.reply()
}

// hangUp closes all connections and waits until the server does.
func (c *conversation) hangUp() {
	c.t.Helper()
	for _, conn := range c.open {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite() // the server may have gone first
			_, _ = io.Copy(io.Discard, tcp)
		}
		conn.Close()
	}
}

func (c *conversation) write(format string, args ...any) {
	fmt.Fprintln(c.said, steady(fmt.Sprintf(format, args...)))
}

// unsteady are what differs from run to run.
var unsteady = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\|\|\|\d+\|`), "|||PORT|"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`until [-0-9]+ [:0-9]+`), "until TIME"},
	{regexp.MustCompile(`(?m)^time=\S+ `), ""},
	{regexp.MustCompile(` session=\d+`), ""},
	{regexp.MustCompile(`port \d+`), "port PORT"},
	{regexp.MustCompile(`(received|sent|waited)=\S+`), "$1=…"},
}

func steady(text string) string {
	for _, u := range unsteady {
		text = u.pattern.ReplaceAllString(text, u.instead)
	}
	return text
}

// loggedSince are the warnings of a log, which an operator looks for.
func loggedSince(log string) string {
	var all strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			all.WriteString(steady(line))
		}
	}
	return all.String()
}
