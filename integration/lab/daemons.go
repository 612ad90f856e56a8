//go:build linux

package lab

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readyWithin is when a daemon must have opened its sockets.
const readyWithin = 10 * time.Second

// startSTUN starts one STUN server at several addresses.
func startSTUN(t testing.TB, h *Host) []netip.AddrPort {
	t.Helper()
	const port = 3478
	dir := t.TempDir()
	args := []string{
		"-n", "-S", "--no-tls", "--no-dtls", "--no-cli", "--listening-port=3478",
		"--log-file=stdout", "--pidfile=" + filepath.Join(dir, "pid"), "--userdb=" + filepath.Join(dir, "users"),
	}
	var all []netip.AddrPort
	for _, a := range stunAddrs {
		args = append(args, "--listening-ip="+a.String())
		all = append(all, netip.AddrPortFrom(a, port))
	}
	Start(t, "turnserver", h.Command("turnserver", args...))
	for _, a := range all {
		h.awaitSocket(t, "udp src "+a.String())
		h.awaitSocket(t, "tcp src "+a.String())
	}
	return all
}

// awaitSocket waits until a socket listens that a filter of ss matches.
func (h *Host) awaitSocket(t testing.TB, filter string) {
	t.Helper()
	protocol, filter, _ := strings.Cut(filter, " ")
	Await(t, readyWithin, func() error {
		if h.Run(t, "ss", "-Hln", "--"+protocol, filter) == "" {
			return fmt.Errorf("%s does not listen: %s %s", h.Name, protocol, filter)
		}
		return nil
	})
}
