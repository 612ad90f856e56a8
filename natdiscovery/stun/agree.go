package stun

import (
	"net"
	"net/netip"
	"strings"
)

// agreement is how many servers of different operators have to report the same.
const agreement = 2

// Agree tells the reflexive address that at least two servers of different
// operators report, if these are more than half of all that answered. Servers
// that share a host name or an address count as one operator, the first of them
// speaking for all; one liar among three changes nothing.
func Agree(answers []Answer) (netip.Addr, bool) {
	voices := distinct(answers)
	votes := make(map[netip.Addr]int)
	for _, a := range voices {
		addr := a.Reflexive.Addr()
		votes[addr]++
		// More than half of all can be reached by one address only.
		if n := votes[addr]; n >= agreement && 2*n > len(voices) {
			return addr, true
		}
	}
	return netip.Addr{}, false
}

// distinct keeps the first usable answer of each operator.
func distinct(answers []Answer) []Answer {
	var voices []Answer
	hosts, addrs := make(map[string]bool), make(map[netip.Addr]bool)
	for _, a := range answers {
		host, addr := hostOf(a.Server), a.Addr.Addr()
		if a.Err != nil || !a.Reflexive.IsValid() || hosts[host] || addrs[addr] {
			continue
		}
		hosts[host], addrs[addr] = true, true
		voices = append(voices, a)
	}
	return voices
}

// hostOf is a server's name in the one way to write it.
func hostOf(server string) string {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		host = server
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
