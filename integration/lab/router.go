//go:build linux

package lab

import (
	"cmp"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Router is a host that does NAT between its interfaces lan and wan.
type Router struct {
	*Host
	wan netip.Prefix
}

// Rule is one port that UPnP clients have had forwarded: the truth, as the
// router's kernel knows it.
type Rule struct {
	External uint16
	To       netip.AddrPort
}

// dnatRule is how nft prints what miniupnpd adds.
var dnatRule = regexp.MustCompile(`\b(?:th|tcp) dport (\d+) .*dnat (?:ip )?to (\S+)`)

// pinholeRule is how nft prints what miniupnpd adds for IPv6: a port, and the 128
// bits at offset 192 of the network header, which are the destination.
var pinholeRule = regexp.MustCompile(`\bdport (\d+) @nh,192,128 0x([0-9a-f]{32}) .*accept`)

// WAN is the router's address on the side of the internet.
func (r *Router) WAN() netip.Addr { return r.wan.Addr() }

// ChangeWAN gives the router another address within its WAN network, as a
// provider does overnight: connections through the old one are dead.
func (r *Router) ChangeWAN(t testing.TB, to netip.Addr) {
	t.Helper()
	old := r.wan
	r.wan = netip.PrefixFrom(to, old.Bits())
	r.Run(t, "ip", "addr", "add", r.wan.String(), "dev", "wan")
	r.Run(t, "ip", "addr", "del", old.String(), "dev", "wan")
	r.Run(t, "conntrack", "-F")
}

// Rules are the ports forwarded on request, in rising order.
func (r *Router) Rules(t testing.TB) []Rule {
	t.Helper()
	return parseRules(r.Run(t, "nft", "list", "chain", "inet", "filter", "upnp_nat"))
}

func parseRules(chain string) []Rule {
	var rules []Rule
	for _, m := range dnatRule.FindAllStringSubmatch(chain, -1) {
		external, err := strconv.ParseUint(m[1], 10, 16)
		to, err2 := netip.ParseAddrPort(m[2])
		if err == nil && err2 == nil {
			rules = append(rules, Rule{uint16(external), to})
		}
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.External, b.External) })
	return rules
}

// Pinholes are what the IPv6 firewall lets in on request, by rising port.
func (r *Router) Pinholes(t testing.TB) []netip.AddrPort {
	t.Helper()
	var all []netip.AddrPort
	for _, m := range pinholeRule.FindAllStringSubmatch(r.Run(t, "nft", "list", "chain", "inet", "filter", "upnp_forward"), -1) {
		port, err := strconv.ParseUint(m[1], 10, 16)
		address, err2 := hex.DecodeString(m[2])
		if err == nil && err2 == nil {
			all = append(all, netip.AddrPortFrom(netip.AddrFrom16([16]byte(address)), uint16(port)))
		}
	}
	slices.SortFunc(all, func(a, b netip.AddrPort) int { return cmp.Compare(a.Port(), b.Port()) })
	return all
}

//go:embed router.nft
var routerNFT string

//go:embed alg.nft
var algNFT string

// byHandNFT forwards ports from the internet to a host, hairpinNFT from the LAN.
const (
	byHandNFT  = `add rule inet filter prerouting iifname "wan" tcp dport { %s } dnat ip to %s` + "\n"
	hairpinNFT = `add rule inet filter prerouting iifname "lan" fib daddr type local tcp dport { %s } dnat ip to %s
add rule inet filter postrouting iifname "lan" oifname "lan" ct status dnat masquerade
`
)

// routers turns the hosts between the networks into routers.
func (l *Lab) routers(t testing.TB) {
	t.Helper()
	rules := routerNFT
	if l.options.ALG {
		rules += algNFT
	}
	l.AwayRouter.configure(t, rules)
	if l.carrier != nil {
		l.carrier.configure(t, routerNFT)
	}
	if ports := strings.Join(l.options.Forwarded, ", "); ports != "" {
		rules += fmt.Sprintf(byHandNFT, ports, ServerAddr)
	}
	if ports := strings.Join(l.options.Hairpin, ", "); ports != "" {
		rules += fmt.Sprintf(hairpinNFT, ports, ServerAddr)
	}
	l.Router.configure(t, rules)
}

func (r *Router) configure(t testing.TB, rules string) {
	t.Helper()
	// Without promote_secondaries, removing a router's first address would
	// take the second one with it.
	r.Run(t, "sh", "-c", "cd /proc/sys/net/ipv4 && echo 1 >ip_forward && echo 1 >conf/all/promote_secondaries && echo 1 >conf/wan/promote_secondaries")
	cmd := r.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: nft: %v\n%s", r.Name, err, out)
	}
}
