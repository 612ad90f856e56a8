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
	"strings"
	"syscall"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// manager is a supervisor that is told how we are (sd_notify(3)).
type manager struct{ socket *net.UnixConn }

func listenAsSupervisor(t *testing.T) (manager, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return manager{socket}, name
}

// await waits for a message.
func (w manager) await(t *testing.T, want string) {
	t.Helper()
	w.socket.SetReadDeadline(time.Now().Add(startWithin))
	pattern := regexp.MustCompile(`(?s)^` + want + `$`)
	var seen []string
	for buf := make([]byte, 4096); ; {
		n, err := w.socket.Read(buf)
		if err != nil {
			t.Fatalf("waiting for %s: %v; told so far: %q", want, err, seen)
		}
		if pattern.Match(buf[:n]) {
			return
		}
		seen = append(seen, string(buf[:n]))
	}
}

func TestASupervisorIsToldHowWeAre(t *testing.T) {
	s := configureLocal(t, "active_mode: true")
	supervisor, socket := listenAsSupervisor(t)
	// Every address is served, so that the verdict is looked for.
	s.replace(t, s.addr.String(), fmt.Sprintf(":%d", s.addr.Port()))
	s.start(t, "env", "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=600000")
	supervisor.await(t, "READY=1")
	supervisor.await(t, "STATUS=.*not reachable: .*")
	for range 3 {
		supervisor.await(t, "WATCHDOG=1")
	}
	if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	supervisor.await(t, `RELOADING=1\nMONOTONIC_USEC=\d{5,}`)
	supervisor.await(t, "READY=1")
	if code := s.Stop(t, syscall.SIGTERM, stopWithin); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
	supervisor.await(t, "STOPPING=1")
}

func TestAReloadRightBehindTheStartIsServed(t *testing.T) {
	s := configureLocal(t, "active_mode: true")
	supervisor, socket := listenAsSupervisor(t)
	for range 5 {
		cmd := s.command("env", "NOTIFY_SOCKET="+socket)
		running := lab.Start(t, "natftpd", cmd)
		supervisor.await(t, "READY=1")
		if err := syscall.Kill(cmd.Process.Pid, syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		supervisor.await(t, `RELOADING=1\n.*`)
		supervisor.await(t, "READY=1")
		if code := running.Stop(t, syscall.SIGTERM, stopWithin); code != 0 {
			t.Fatalf("exit code: got %d, want 0", code)
		}
		supervisor.await(t, "STOPPING=1")
	}
}

func TestSocketsOfAServiceManagerAreServed(t *testing.T) {
	s := configureLocal(t, "listen_tls: $TLS")
	cmd := activated(s.command(), "control:control-tls", listening(t, s.addr), listening(t, s.tlsAddr))
	early, err := s.Dial(s.addr) // who comes before natftpd waits for it
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	s.run(t, cmd)
	early.SetDeadline(time.Now().Add(answerWithin))
	greeting := make([]byte, 4)
	if _, err := early.Read(greeting); err != nil || string(greeting) != "220 " {
		t.Errorf("who came first is told %q, %v", greeting, err)
	}
	s.login(t)
	// The sockets are not ours to move.
	s.replace(t, s.addr.String(), fmt.Sprintf("127.0.0.1:%d", s.addr.Port()+20))
	s.AwaitLog(t, putInForce, "this key waits for the next start")
	s.login(t)
}

func TestASocketThatNobodyNamedEndsTheStart(t *testing.T) {
	s := configureLocal(t, "active_mode: true")
	out, err := activated(s.command(), "natftpd.socket", listening(t, netip.AddrPortFrom(loopback, 0))).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "write FileDescriptorName=control") {
		t.Errorf("%v, %s; want it to say how to name the socket", err, out)
	}
}

// activated hands sockets over to a command as systemd does: from descriptor 3 on.
func activated(cmd *exec.Cmd, names string, files ...*os.File) *exec.Cmd {
	by := exec.Command("sh", append([]string{"-c", `export LISTEN_PID=$$; exec "$@"`, "sh"}, cmd.Args...)...)
	by.Dir, by.SysProcAttr, by.ExtraFiles = cmd.Dir, cmd.SysProcAttr, files
	by.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+names)
	return by
}

// listening is a socket as another process opened it.
func listening(t *testing.T, addr netip.AddrPort) *os.File {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
