//go:build linux

package integration

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"natftpd/integration/lab"
)

const (
	user     = "alice"
	password = "correct horse"

	// startWithin is when a started server must take connections, stopWithin
	// when it must have ended after SIGTERM with nothing left to transfer:
	// a slow machine and removing the mappings included.
	startWithin = 15 * time.Second
	stopWithin  = 15 * time.Second
)

// server is natftpd on a host, with a configuration and folders of its own that
// outlive it.
type server struct {
	*lab.Process
	host *lab.Host
	port uint16
	dir  string
	// home is alice's folder.
	home string
}

// serve starts natftpd on a host with nothing in its configuration but what a
// lab needs: its STUN servers, an account and folders.
func serve(t *testing.T, h *lab.Host, port uint16, stun []netip.AddrPort) *server {
	t.Helper()
	s := configure(t, h, port, stun)
	s.start(t)
	return s
}

// configure is serve without the start, and with further settings below nat.
func configure(t *testing.T, h *lab.Host, port uint16, stun []netip.AddrPort, nat ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{host: h, port: port, dir: dir, home: filepath.Join(dir, "home")}
	text := fmt.Sprintf(`ftp: {listen: ":%d"}
nat: {%s}
users:
  - {name: %s, password: %q, home: %q}
state_dir: %q
`, port, strings.Join(append(nat, "stun_servers: ["+quoted(stun)+"]"), ", "), user, password, s.home, filepath.Join(dir, "state"))
	if err := os.WriteFile(filepath.Join(dir, "natftpd.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// command is natftpd with its configuration.
func (s *server) command(args ...string) *exec.Cmd {
	cmd := s.host.Command("natftpd", append(args, "--config", filepath.Join(s.dir, "natftpd.yaml"))...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	return cmd
}

// start starts it, for the first time or again.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.Process = lab.Start(t, "natftpd", s.command("serve"))
	t.Cleanup(func() { s.stop(t) })
	lab.Await(t, startWithin, func() error {
		if !s.Running() {
			t.Fatal("natftpd ended at once")
		}
		conn, err := s.host.Dial(s.at(netip.MustParseAddr("127.0.0.1")))
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func quoted(servers []netip.AddrPort) string {
	var all []string
	for _, s := range servers {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return strings.Join(all, ", ")
}

// at is the control port at an address.
func (s *server) at(addr netip.Addr) netip.AddrPort { return netip.AddrPortFrom(addr, s.port) }

// stop ends natftpd as a supervisor does. It must end cleanly, without having
// raced.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.Running() {
		if code := s.Stop(t, syscall.SIGTERM, stopWithin); code != 0 {
			t.Errorf("exit code after SIGTERM: got %d, want 0", code)
		}
	}
	if strings.Contains(s.Log(), "DATA RACE") {
		t.Error("natftpd has a data race")
	}
}
