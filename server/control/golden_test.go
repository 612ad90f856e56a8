package control_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"natftpd/server/control"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestMissedDataConnectionsAreUnderstood plays clients whose data connection does
// not come about. testdata/missed.golden has what they read, and what the operator
// reads in the log, for a stranger to understand.
func TestMissedDataConnectionsAreUnderstood(t *testing.T) {
	var got strings.Builder
	for _, m := range []struct {
		name   string
		wan    bool // the client is sent to the external address
		client func(*client)
	}{
		{"a client of the LAN, sent to the external address", true, func(c *client) {
			c.cmd("PASV", "227")
			c.told(&got, "RETR f")
		}},
		{"a client that comes to another port than it was sent to", false, func(c *client) {
			c.knock(c.otherThan(pasvAddr(c.t, c.cmd("PASV", "227"))), "127.0.0.1")
			c.told(&got, "RETR f")
		}},
		{"a client that comes from another address", false, func(c *client) {
			c.knock(pasvAddr(c.t, c.cmd("PASV", "227")), "127.0.0.9")
			c.told(&got, "RETR f")
		}},
		{"a client that does not come at all", false, func(c *client) {
			c.epsvAddr()
			c.told(&got, "STOR x")
		}},
		{"a client that names its private address", false, func(c *client) {
			c.told(&got, "PORT 192,168,1,5,200,200")
		}},
		{"a client that wants another host dialled", false, func(c *client) {
			c.told(&got, "EPRT |1|198.51.100.8|5000|")
		}},
		{"a client that does not listen where it says", false, func(c *client) {
			c.port("PORT").Close()
			c.told(&got, "LIST")
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			s := serve(t, func(cfg *control.Config) {
				cfg.DataTimeout = 200 * time.Millisecond
				if advise := cfg.Advertise; m.wan {
					cfg.Advertise = func(client, local netip.Addr) control.Advice {
						return control.Advice{Addr: netip.MustParseAddr("198.51.100.7"), Ports: advise(client, local).Ports, Outside: true}
					}
				}
			})
			s.write("f", []byte("content"))
			fmt.Fprintf(&got, "# %s\n", m.name)
			m.client(s.login())
			fmt.Fprintf(&got, "%s\n", s.warnings())
		})
	}
	golden := filepath.Join("testdata", "missed.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(steady(got.String())), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := steady(got.String()); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s\nGo on with -update if the new words are better.", got, want)
	}
}

// told writes down a command and its reply.
func (c *client) told(b *strings.Builder, command string) {
	c.t.Helper()
	c.send(command + "\r\n")
	fmt.Fprintf(b, "> %s\n< %s\n", command, c.reply())
}

// knock connects to a passive port, from an address of ours, and is turned away.
func (c *client) knock(addr, from string) {
	c.t.Helper()
	d := c.dialFrom(addr, from)
	readAll(c.t, d)
}

// otherThan is another of the passive ports.
func (c *client) otherThan(addr string) string {
	a := netip.MustParseAddrPort(addr)
	for _, port := range c.s.ports {
		if port != a.Port() {
			return netip.AddrPortFrom(a.Addr(), port).String()
		}
	}
	return addr
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
		`time=\S+ `: "", `session=\d+ `: "", `waited=\S+`: "waited=…",
		` port \d+`: " port …", `(\d+\.\d+\.\d+\.\d+):\d+`: "$1:…",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, word)
	}
	return text
}
