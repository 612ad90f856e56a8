//go:build unix

package control_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"natftpd/server/control"
)

// wellFormed is a reply (RFC 959, section 4.2): one line, or several of which
// none but the last begins as the last does.
var wellFormed = regexp.MustCompile(`\A(?:[1-5]\d\d (?:[^\r\n]*)\r\n|([1-5]\d\d)-[^\r\n]*\r\n(?: [^\r\n]*\r\n)*[1-5]\d\d [^\r\n]*\r\n)+\z`)

// FuzzCommands plays whatever a client may send against the whole server. It must
// answer in well-formed replies that tell nothing of its insides, hang up after
// QUIT, serve the next client, and touch nothing outside the home.
func FuzzCommands(f *testing.F) {
	for _, h := range hostile {
		f.Add([]byte(commandsOf(h.script)))
	}
	for _, c := range conformance {
		f.Add([]byte(commandsOf(c.script)))
	}
	s := serveFuzz(f)
	f.Fuzz(func(t *testing.T, sent []byte) {
		s.t = t
		conn, err := net.Dial("tcp", s.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		go func() {
			io.WriteString(conn, "USER alice\r\nPASS secret\r\n")
			conn.Write(sent)
			io.WriteString(conn, "\r\nQUIT\r\n")
		}()
		all, err := io.ReadAll(bufio.NewReader(conn))
		if err != nil && !strings.Contains(err.Error(), "reset") { // QUIT came early, with more behind it
			t.Fatalf("%v after %q", err, all)
		}
		if err == nil && !wellFormed.Match(all) {
			t.Errorf("not well-formed: %q", all)
		}
		c := &client{t: t, s: s}
		c.tellsNothing(string(all))
		next := s.connect()
		next.cmd("NOOP", "200")
		next.conn.Close()
		if got, err := os.ReadFile(filepath.Join(filepath.Dir(s.home), "outside", "secret")); err != nil || string(got) != "outside" {
			t.Errorf("outside the home: %q, %v", got, err)
		}
	})
}

// serveFuzz is a service beside whose home something lies. Data connections that
// nobody opens are given up at once.
func serveFuzz(f *testing.F) *service {
	s := serve(f, func(cfg *control.Config) { cfg.DataTimeout = time.Millisecond })
	s.write("f", []byte("content"))
	s.mkdir("dir/sub")
	s.mkdir("../outside")
	s.write("../outside/secret", []byte("outside"))
	if err := os.Symlink("../outside", filepath.Join(s.home, "out")); err != nil {
		f.Fatal(err)
	}
	return s
}

// commandsOf are the commands of a script alone.
func commandsOf(script string) string {
	var all strings.Builder
	for step := range strings.Lines(script) {
		command, _, _ := strings.Cut(strings.Trim(step, "\t\n"), "=")
		all.WriteString(strings.TrimRight(command, " <") + "\r\n")
	}
	return all.String()
}
