package stun

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wires makes a client, which is the host that runs it, a home router and a server
// on the internet behind a line of PPPoE: 1492 bytes. The router hides that,
// because the messages that say so are dropped (RFC 2923, section 2.1).
const wires = `
mount --make-rprivate /
mount -t tmpfs none /run
ip netns add router
ip netns add server
ip link set lo up
ip link add eth0 type veth peer name lan netns router
ip addr add 192.168.77.10/24 dev eth0
ip link set eth0 up
ip route add default via 192.168.77.1 dev eth0 onlink
ip -n router addr add 192.168.77.1/24 dev lan
ip -n router link set lan up
ip -n router link add wan mtu 1492 type veth peer name eth0 mtu 1492 netns server
ip -n router addr add 11.22.0.1/16 dev wan
ip -n router link set wan up
ip -n server addr add 11.22.0.3/16 dev eth0
ip -n server addr add 11.22.0.4/16 dev eth0
ip -n server link set eth0 up
ip netns exec router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip netns exec router nft '
	table ip home {
		chain out { type filter hook output priority 0; icmp type destination-unreachable drop; }
		chain nat { type nat hook postrouting priority 100; }
	}'
`

// masquerade lets the router translate ports in the way that nft's words say.
func masquerade(t *testing.T, how string) {
	t.Helper()
	sh(t, `ip netns exec router nft 'flush chain ip home nat; add rule ip home nat oifname "wan" masquerade `+how+`'`)
}

// insideNamespaces marks the run of this test that has namespaces of its own.
const insideNamespaces = "NATFTPD_STUN_TEST_INSIDE"

// The kernel's NAT and coturn in place of fakes. The test runs itself once more, as
// the first process of namespaces that vanish with it, however it ends.
func TestBehindARealRouter(t *testing.T) {
	if os.Getenv(insideNamespaces) != "" {
		askThroughRouter(t)
		return
	}
	requireNamespaces(t)
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), insideNamespaces+"=1")
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// askThroughRouter is what the client sees.
func askThroughRouter(t *testing.T) {
	sh(t, wires)
	masquerade(t, "")
	cfg := Config{Servers: startServer(t)}

	for _, tt := range []struct {
		how       string
		want      Mapping
		preserved bool
	}{
		{"", EndpointIndependent, true},
		{"fully-random", AddressDependent, false},
	} {
		masquerade(t, tt.how)
		got, err := Behaviour(t.Context(), cfg)
		if err != nil || got.Mapping != tt.want || got.PortPreserved != tt.preserved {
			t.Errorf("masquerade %s: got %q, preserved %v, %v, want %q, %v",
				tt.how, got.Mapping, got.PortPreserved, err, tt.want, tt.preserved)
		}
	}
	traceThroughRouter(t, cfg)
	for _, tt := range []struct {
		name, change string
		want         int
	}{
		{"a black hole", "", 1492},
		{"an interface narrower than said", "ip link set eth0 mtu 1400", 1400},
		{"a line that is not", "ip link set eth0 mtu 1500; ip -n router link set wan mtu 1500; ip -n server link set eth0 mtu 1500", 1500},
	} {
		sh(t, tt.change)
		got, known, err := PathMTU(t.Context(), cfg, 1500)
		if got != tt.want || !known || err != nil {
			t.Errorf("%s: got path MTU %d, %v, %v, want %d", tt.name, got, known, err, tt.want)
		}
	}
}

// traceThroughRouter sees who stands on the way.
func traceThroughRouter(t *testing.T, cfg Config) {
	home := netip.MustParseAddr("192.168.77.1")
	for _, tt := range []struct {
		name, change string
		want         []netip.Addr
	}{
		{"a router", "", []netip.Addr{home}},
		{"a router that is silent", "ip netns exec router nft add rule ip home out icmp type time-exceeded drop", nil},
	} {
		sh(t, tt.change)
		if got, err := Trace(t.Context(), cfg); !slices.Equal(got, tt.want) || err != nil {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

// requireNamespaces skips the test where it can't be done. What apt could install
// must be there with CI=true.
func requireNamespaces(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	for tool, pkg := range map[string]string{"ip": "iproute2", "nft": "nftables", "turnserver": "coturn"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs the Debian package %s", pkg)
		}
		t.Skipf("needs the Debian package %s", pkg)
	}
	probe := exec.Command("true")
	probe.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID}
	if err := probe.Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("make namespaces:", err)
		}
		t.Skip("needs the right to make namespaces, which root lacks here:", err)
	}
}

// startServer starts coturn at two addresses of the internet and waits until both
// answer.
func startServer(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("ip", "netns", "exec", "server", "turnserver", "-n", "-S", "--no-tls", "--no-dtls", "--no-cli",
		"--listening-ip=11.22.0.3", "--listening-ip=11.22.0.4", "--listening-port=3478", "--log-file=stdout",
		"--pidfile="+filepath.Join(dir, "pid"), "--userdb="+filepath.Join(dir, "users"))
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if _ = cmd.Wait(); t.Failed() {
			t.Log(log.String())
		}
	})
	servers := []string{"11.22.0.3:3478", "11.22.0.4:3478"}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		answers := Ask(ctx, Config{Servers: servers, Timeout: quick})
		switch {
		case answers[0].Err == nil && answers[1].Err == nil:
			return servers
		case ctx.Err() != nil:
			t.Fatal("coturn does not answer:", answers)
		}
	}
}

// sh runs lines of a shell up to the first that fails.
func sh(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%w\n%s%s", err, script, out))
	}
}
