package control_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/server/control"
)

var update = flag.Bool("update", false, "write the golden files anew")

// refused are clients that are refused something, and how.
var refused = []struct {
	name     string
	alice    driver.User
	limits   driver.Limits
	change   func(*control.Config)
	commands []string
}{
	{name: "a wrong password", commands: []string{"USER alice", "PASS guess"}},
	{name: "a wrong password too many, and the next connection", change: func(cfg *control.Config) {
		cfg.Bans, _ = driver.NewBans(driver.BanConfig{Failures: 1, First: time.Hour, Longest: time.Hour})
	}, commands: []string{"USER alice", "PASS guess", "reconnect"}},
	{name: "a user who may not log in from there",
		alice:    driver.User{AllowFrom: driver.Origins{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
		commands: []string{"USER alice", "PASS secret"}},
	{name: "too many sessions of a user", limits: driver.Limits{PerUser: 1},
		commands: []string{"USER alice", "PASS secret", "reconnect", "USER alice", "PASS secret"}},
	{name: "too many sessions of an address", limits: driver.Limits{PerAddress: 1}, commands: []string{"reconnect"}},
	{name: "no TLS where it is required", change: func(cfg *control.Config) { cfg.TLSRequired = true }, commands: []string{"USER alice"}},
	{name: "data in clear where TLS is required", change: func(cfg *control.Config) { cfg.TLSRequired = true },
		commands: []string{"secure", "USER alice", "PASS secret", "EPSV", "LIST"}},
	{name: "TLS where it is switched off", change: func(cfg *control.Config) { cfg.TLS = nil }, commands: []string{"AUTH TLS"}},
	{name: "changes to a read-only home", alice: driver.User{Access: driver.ReadOnly},
		commands: []string{"USER alice", "PASS secret", "DELE f", "MKD x", "EPSV", "STOR x"}},
	{name: "a full quota", alice: driver.User{Quota: 10}, commands: []string{"USER alice", "PASS secret", "ALLO 100", "upload STOR x"}},
	{name: "a file that is not there", commands: []string{"USER alice", "PASS secret", "EPSV", "RETR nowhere"}},
	{name: "PORT from behind a NAT", commands: []string{"USER alice", "PASS secret", "PORT 192,168,1,5,200,200"}},
	{name: "PORT to where nobody listens", commands: []string{"USER alice", "PASS secret", "PORT where nobody listens", "LIST"}},
	{name: "a data connection that does not come", change: func(cfg *control.Config) {
		advise := cfg.Advertise
		cfg.DataTimeout = 20 * time.Millisecond
		cfg.Advertise = func(client, local netip.Addr) control.Advice {
			a := advise(client, local)
			a.Addr, a.Outside = netip.MustParseAddr("198.51.100.7"), true
			return a
		}
	}, commands: []string{"USER alice", "PASS secret", "PASV", "RETR f"}},
}

// What a client reads when it is refused, and what the operator reads of it in
// the log: testdata/refusals.golden has both, for a stranger to understand.
func TestRefusalsAreUnderstood(t *testing.T) {
	parts := make([]string, len(refused))
	t.Run("all", func(t *testing.T) {
		for i, r := range refused {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel() // wrong passwords take their time
				if r.alice.Access == "" {
					r.alice.Access = driver.ReadWrite
				}
				s := serveAs(t, r.alice, r.change)
				s.write("f", []byte("content"))
				if r.limits != (driver.Limits{}) {
					s.sess.SetLimits(r.limits)
				}
				var told strings.Builder
				s.connect().converse(r.commands, &told)
				parts[i] = fmt.Sprintf("# %s\n\n%s%s\n", r.name, steady(told.String()), steady(s.warnings()))
			})
		}
	})
	got := strings.Join(parts, "")
	file := filepath.Join("testdata", "refusals.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s\nGo on with -update if the new words are better.", got, want)
	}
}

// converse sends commands and writes down what was said.
func (c *client) converse(commands []string, told io.Writer) {
	for _, command := range commands {
		switch {
		case command == "secure":
			c.secure()
			continue
		case command == "reconnect":
			fmt.Fprintf(told, "(a new connection)\n")
			c = &client{t: c.t, s: c.s, conn: c.s.raw("127.0.0.1"), r: bufio.NewReader(nil)}
			fmt.Fprintf(told, "  %s", readLine(c.t, c.conn))
			c.r.Reset(c.conn)
			continue
		case command == "PORT where nobody listens":
			fmt.Fprintf(told, "> %s\n", command)
			l := c.port("PORT")
			l.Close()
			continue
		case strings.HasPrefix(command, "upload "):
			_, command, _ = strings.Cut(command, " ")
			d := c.open()
			fmt.Fprintf(told, "> %s\n", command)
			c.cmd(command, "150")
			d.Write(make([]byte, 100))
			d.Close()
		default:
			fmt.Fprintf(told, "> %s\n", command)
			c.send(command + "\r\n")
		}
		reply := c.reply()
		fmt.Fprintf(told, "  %s\n", reply)
		if strings.HasPrefix(reply, "150") {
			fmt.Fprintf(told, "  %s\n", c.reply())
		}
	}
}

// warnings are the lines of the log that an operator sees.
func (s *service) warnings() string {
	var all strings.Builder
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			all.WriteString(line)
		}
	}
	return all.String()
}

// steady takes out what differs from one run to the next.
func steady(text string) string {
	for pattern, word := range map[string]string{
		`time=\S+ `: "", `session=\d+ `: "", `\r`: "",
		`127,0,0,1,\d+,\d+\)`: "127,0,0,1,…)", `198,51,100,7,\d+,\d+\)`: "198,51,100,7,…)", `\|\|\|\d+\|`: "|||…|",
		`passive port \d+`: "passive port …", `((?:198\.51\.100\.7|127\.0\.0\.1)):\d+`: "$1:…", `until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d`: "until …",
		`waited=\S+`: "waited=…", `received=\d+`: "received=…",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, word)
	}
	return text
}
