//go:build linux

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// UPnP is the version of the Internet Gateway Device that a router speaks.
type UPnP string

// The versions. Routers in homes speak either.
const (
	IGD1 UPnP = "1"
	IGD2 UPnP = "2"
)

// gatewayConf is miniupnpd.conf. secure_mode, the default of today's routers, lets
// a host add and remove its own mappings only. The chains are those of router.nft.
const gatewayConf = `ext_ifname=wan
listening_ip=lan
http_port=5000
enable_upnp=%s
enable_natpmp=%s
force_igd_desc_v1=%s
secure_mode=%s
min_lifetime=%d
max_lifetime=%d
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=upnp_forward
upnp_nat_chain=upnp_nat
upnp_nat_postrouting_chain=upnp_post
uuid=fc4ec57e-28b1-11db-88f8-0060085db3f6
%s 1-65535 192.168.77.0/24 1-65535
deny 0-65535 0.0.0.0/0 0-65535
`

// The lifetimes that RFC 6887, section 15, suggests to PCP servers, in seconds.
const (
	minLifetime = 120
	maxLifetime = 86400
)

func (o Options) gatewayConf() []byte {
	shortest, longest := minLifetime, maxLifetime
	if o.Lease > 0 {
		longest = int(o.Lease.Seconds())
		shortest = longest - 1 // miniupnpd wants them to differ
	}
	yes := map[bool]string{true: "yes", false: "no"}
	ours := map[bool]string{true: "deny", false: "allow"}
	return fmt.Appendf(nil, gatewayConf, yes[o.UPnP != ""], yes[o.PMP], yes[o.UPnP == IGD1], yes[!o.Lax], shortest, longest, ours[o.Refuses])
}

// startGateway starts miniupnpd, by which the server's router can be asked.
func (l *Lab) startGateway(t testing.TB) {
	t.Helper()
	if l.options.UPnP == "" && !l.options.PMP {
		return
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "miniupnpd.conf")
	if err := os.WriteFile(conf, l.options.gatewayConf(), 0o600); err != nil {
		t.Fatal(err)
	}
	l.gateway = Start(t, "miniupnpd", l.Router.Command("miniupnpd", "-d", "-f", conf, "-P", filepath.Join(dir, "pid")))
	if l.options.UPnP != "" {
		l.Router.awaitSocket(t, "tcp sport = 5000")
		l.Router.awaitSocket(t, "udp sport = 1900")
	}
	if l.options.PMP {
		l.Router.awaitSocket(t, "udp sport = 5351")
	}
}
