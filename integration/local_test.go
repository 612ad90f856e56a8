//go:build linux

package integration

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"natftpd/integration/lab"
)

// local is natftpd on loopback: no router, no STUN server, alice and what the
// test adds to the configuration.
type local struct {
	*lab.Process
	pid int
	dir string
	// addr is the control port, tlsAddr that of implicit TLS.
	addr, tlsAddr netip.AddrPort
	// home is alice's folder.
	home string
}

// quickHash is the password's, by bcrypt at its lowest cost.
const quickHash = "$2a$04$I8Rik3WDjCpSRGCH1tIpOOU95w6LicYW4yQlk/49OGfD39fgS.pAi"

var loopback = netip.MustParseAddr("127.0.0.1")

// configureLocal writes the configuration: further settings of ftp, in which $TLS
// is where implicit TLS may listen, and further sections. Without users among them
// there is alice.
func configureLocal(t *testing.T, ftp string, sections ...string) *local {
	t.Helper()
	blocks := newPortBlocks()
	port, passive, err := blocks.next()
	if err != nil {
		t.Fatal(err)
	}
	tlsPort, _, err := blocks.next()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &local{
		dir: dir, home: filepath.Join(dir, "home"),
		addr: netip.AddrPortFrom(loopback, uint16(port)), tlsAddr: netip.AddrPortFrom(loopback, uint16(tlsPort)),
	}
	text := fmt.Sprintf(`ftp: {listen: %q, passive_ports: %s, %s}
nat: {port_mapping: off, stun_servers: []}
status: {listen: off}
log: {level: debug}
state_dir: %q
%s
`, s.addr, passive, strings.ReplaceAll(ftp, "$TLS", strconv.Quote(s.tlsAddr.String())), filepath.Join(dir, "state"), strings.Join(sections, "\n"))
	if !strings.Contains(text, "\nusers:") {
		text += "users:\n" + account(user, s.home)
	}
	if err := os.WriteFile(filepath.Join(dir, "natftpd.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// account is one of users, with further settings.
func account(name, home string, settings ...string) string {
	fields := append([]string{"name: " + name, fmt.Sprintf("password: %q", quickHash), fmt.Sprintf("home: %q", home)}, settings...)
	return "- {" + strings.Join(fields, ", ") + "}\n"
}

// start starts it, for the first time or again. The words before its own make
// natftpd of another program, which runs it.
func (s *local) start(t *testing.T, by ...string) {
	t.Helper()
	s.run(t, s.command(by...))
}

func (s *local) command(by ...string) *exec.Cmd {
	args := append(by, "natftpd", "serve", "--config", filepath.Join(s.dir, "natftpd.yaml"))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs a command until the end of the test.
func (s *local) run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	s.Process = lab.Start(t, "natftpd", cmd)
	s.pid = cmd.Process.Pid
	running := s.Process
	t.Cleanup(func() {
		if running.Running() {
			if code := running.Stop(t, syscall.SIGTERM, stopWithin); code != 0 {
				t.Errorf("exit code after SIGTERM: got %d, want 0", code)
			}
		}
		if strings.Contains(running.Log(), "DATA RACE") {
			t.Error("natftpd has a data race")
		}
	})
	s.AwaitLog(t, startWithin, "ftp://"+s.addr.String()) // nobody has connected yet
}

// replace changes a part of the configuration.
func (s *local) replace(t *testing.T, before, after string) {
	t.Helper()
	name := filepath.Join(s.dir, "natftpd.yaml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), before, after, 1)
	if changed == string(text) {
		t.Fatalf("the configuration has no %s:\n%s", before, text)
	}
	if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Dial connects from this host.
func (s *local) Dial(to netip.AddrPort) (net.Conn, error) {
	return net.DialTimeout("tcp", to.String(), answerWithin)
}

// login opens a session for binary transfers that ends with the test.
func (s *local) login(t *testing.T) *session {
	t.Helper()
	return logIn(t, s, s.addr)
}

// commands are those that the sessions of a user sent, as the log tells them at
// level debug, and whether all of them had logged in by TLS.
func (s *local) commands(user string) (sent []string, secure bool) {
	log := s.Log()
	secure = true
	for _, login := range regexp.MustCompile(`msg=login session=(\d+) .*user=(\S+) (?:as=\S+ )?tls=(\w+)`).FindAllStringSubmatch(log, -1) {
		if login[2] != user {
			continue
		}
		secure = secure && login[3] == "true"
		for _, m := range regexp.MustCompile(`msg=command session=`+login[1]+` .*line="?([^"\n]*)`).FindAllStringSubmatch(log, -1) {
			sent = append(sent, m[1])
		}
	}
	return sent, secure
}
