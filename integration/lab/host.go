//go:build linux

package lab

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dialTimeout is far above any round trip in the lab: a connection that takes
// longer is lost, for example to a firewall that drops.
const dialTimeout = 5 * time.Second

// runTimeout is far above what any command of a test takes; it keeps a client
// that waits for ever from holding up the rest.
const runTimeout = time.Minute

// Host is one machine of the lab: a network namespace. It shares the file
// system with the test.
type Host struct {
	Name      string
	namespace string
}

// Command is a command that runs on the host. It is killed with the test
// binary, should that die without cleaning up.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("ip", append([]string{"netns", "exec", h.namespace, name}, args...)...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	return cmd
}

// Run runs a command to its end and returns what it printed, as Try does. An exit
// code other than 0 ends the test.
func (h *Host) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := h.Try(h.Command(name, args...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Try runs a command of Host.Command to its end, or until runTimeout, and
// returns what it printed, standard output first: programs that write to both
// cut the lines of one by those of the other. Its error tells it, too.
func (h *Host) Try(cmd *exec.Cmd) (string, error) {
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("%s: %w", h.Name, err)
	}
	timeout := time.AfterFunc(runTimeout, func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
	defer timeout.Stop()
	err := cmd.Wait()
	printed := out.String() + errOut.String()
	if err != nil {
		return printed, fmt.Errorf("%s: %s: %w\n%s", h.Name, cmd, err, printed)
	}
	return printed, nil
}

// Dial connects from the host to an address, from any local one. A socket stays
// in the namespace that it was made in, so the connection is an ordinary one.
func (h *Host) Dial(address netip.AddrPort) (net.Conn, error) {
	return h.DialFrom(netip.Addr{}, address)
}

// DialFrom is Dial from one of the host's addresses.
func (h *Host) DialFrom(local netip.Addr, address netip.AddrPort) (conn net.Conn, err error) {
	d := net.Dialer{Timeout: dialTimeout}
	if local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	err = h.inside(func() (err error) {
		conn, err = d.Dial("tcp", address.String())
		return err
	})
	return conn, err
}

// Listen listens on the host.
func (h *Host) Listen(address netip.AddrPort) (l net.Listener, err error) {
	err = h.inside(func() (err error) {
		l, err = net.Listen("tcp", address.String())
		return err
	})
	return l, err
}

// inside runs f with its thread in the host's namespace. The thread goes home
// afterwards, rather than to be thrown away: it may be the parent of processes
// that die with it (see Command).
func (h *Host) inside(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := os.Open(filepath.Join(namespaces, h.namespace))
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace of %s: %w", h.Name, err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(fmt.Sprintf("lab: leave namespace of %s: %v", h.Name, err))
		}
	}()
	return f()
}
