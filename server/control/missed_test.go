package control

import (
	"net/netip"
	"strings"
	"testing"
)

func TestTheCauseOfAMissedDataConnection(t *testing.T) {
	outside, lan, server, wan := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("192.168.77.20"), netip.MustParseAddr("192.168.77.10"), netip.MustParseAddr("198.51.100.7")
	for name, c := range map[string]struct {
		circumstances
		want string
	}{
		"a NAT helper changed the port":         {circumstances{how: "PASV", client: outside, local: server, told: wan, outside: true, cameTo: 50007}, "came to port 50007 instead"},
		"by EPSV too":                           {circumstances{how: "EPSV", client: outside, local: server, told: server, outside: true, cameTo: 50007}, "NAT helper"},
		"another address of the client's came":  {circumstances{how: "PASV", client: outside, local: server, told: wan, outside: true, stranger: netip.MustParseAddr("203.0.113.10")}, "203.0.113.10"},
		"a LAN client sent to the WAN":          {circumstances{how: "PASV", client: lan, neighbour: true, local: server, told: wan}, "nat.lan_networks"},
		"a LAN that we do not know":             {circumstances{how: "PASV", client: netip.MustParseAddr("10.9.8.7"), local: server, told: wan, outside: true}, "nat.lan_networks"},
		"a router that does not loop back":      {circumstances{how: "PASV", client: wan, local: server, told: wan, outside: true}, "hairpin"},
		"the external address is unknown":       {circumstances{how: "PASV", client: outside, local: server, told: server, outside: true}, "private address"},
		"a port that is not forwarded":          {circumstances{how: "PASV", client: outside, local: server, told: wan, outside: true}, "does not forward the port"},
		"and by EPSV":                           {circumstances{how: "EPSV", client: outside, local: server, told: server, outside: true}, "does not forward the port"},
		"a firewall in the LAN":                 {circumstances{how: "PASV", client: lan, neighbour: true, local: server, told: server}, "firewall on this host"},
		"an active client behind a NAT":         {circumstances{how: "PORT", client: outside, local: server, told: outside}, "cannot be reached"},
		"an active client that does not listen": {circumstances{how: "EPRT", client: outside, local: server, told: outside, refused: true}, "does not listen"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.cause(); !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := elsewhere(lan); !strings.Contains(got, "private address") {
		t.Errorf("PORT to a private address: %q", got)
	}
	if got := elsewhere(outside); !strings.Contains(got, "FXP") {
		t.Errorf("PORT to another host: %q", got)
	}
}
