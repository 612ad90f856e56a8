//go:build linux

package lab

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// UPnP is the version of the Internet Gateway Device that a router speaks.
type UPnP string

// The versions. Routers in homes speak either.
const (
	IGD1 UPnP = "1"
	IGD2 UPnP = "2"
)

// readyWithin is when a daemon must have opened its sockets.
const readyWithin = 10 * time.Second

// upnpConf is miniupnpd.conf. secure_mode, the default of today's routers, lets
// a host forward ports to itself only. The chains are those of router.nft.
const upnpConf = `ext_ifname=wan
listening_ip=lan
http_port=5000
enable_upnp=yes
enable_natpmp=yes
force_igd_desc_v1=%s
secure_mode=yes
min_lifetime=120
max_lifetime=604800
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=upnp_forward
upnp_nat_chain=upnp_nat
upnp_nat_postrouting_chain=upnp_post
uuid=fc4ec57e-28b1-11db-88f8-0060085db3f6
allow 1-65535 192.168.77.0/24 1-65535
deny 0-65535 0.0.0.0/0 0-65535
`

// startUPnP starts miniupnpd, which also speaks NAT-PMP and PCP.
func startUPnP(t testing.TB, r *Router, version UPnP) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "miniupnpd.conf")
	v1 := map[UPnP]string{IGD1: "yes", IGD2: "no"}[version]
	if err := os.WriteFile(conf, fmt.Appendf(nil, upnpConf, v1), 0o600); err != nil {
		t.Fatal(err)
	}
	Start(t, "miniupnpd", r.Command("miniupnpd", "-d", "-f", conf, "-P", filepath.Join(dir, "pid")))
	r.awaitSocket(t, "tcp sport = 5000")
	r.awaitSocket(t, "udp sport = 1900")
}

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
