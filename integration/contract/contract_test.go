//go:build linux

// Package contract tests the methods of asking a gateway against a real one: the
// contract that they keep with a fake, kept with miniupnpd in the lab. It knows
// nothing of natftpd's commands.
package contract

import (
	"context"
	"net/netip"
	"strconv"
	"testing"

	"natftpd/integration/lab"
	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/natpmp"
	"natftpd/natdiscovery/nattest"
	"natftpd/natdiscovery/pcp"
	"natftpd/natdiscovery/upnp"
)

var home = netip.MustParsePrefix("192.168.77.0/24")

// methods are how each method finds the lab's router.
var methods = []struct {
	name     string
	discover func(context.Context) (gateway.Client, error)
}{
	{"PCP", func(ctx context.Context) (gateway.Client, error) {
		return pcp.Discover(ctx, pcp.Config{Local: lab.ServerAddr, Gateway: lab.RouterAddr})
	}},
	{"NAT-PMP", func(ctx context.Context) (gateway.Client, error) {
		return natpmp.Discover(ctx, natpmp.Config{Local: lab.ServerAddr, Gateway: lab.RouterAddr})
	}},
	{"UPnP", func(ctx context.Context) (gateway.Client, error) {
		return upnp.Discover(ctx, upnp.Config{Local: lab.ServerAddr, Router: lab.RouterAddr, LANs: []netip.Prefix{home}})
	}},
}

func TestMethodsAskARealGateway(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			l := lab.Inside()
			if l == nil {
				l = lab.New(t, lab.Options{UPnP: lab.IGD2, PMP: true})
				l.Again(t, l.Server)
				return
			}
			nattest.TestClient(t, func(t *testing.T) (nattest.Gateway, gateway.Client) {
				client, err := m.discover(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if client.Method() == gateway.UPnP {
					return forgetful{real{t, l}}, client
				}
				return real{t, l}, client
			})
		})
	}
}

// real is the lab's router as the contract sees it.
type real struct {
	*testing.T
	lab *lab.Lab
}

func (r real) External() netip.Addr { return r.lab.Router.WAN() }

func (r real) Mapped(external uint16) (netip.AddrPort, bool) {
	for _, rule := range r.lab.Router.Rules(r) {
		if rule.External == external {
			return rule.To, true
		}
	}
	return netip.AddrPort{}, false
}

func (r real) Occupy(external uint16, by netip.AddrPort) {
	r.lab.Neighbour.Run(r, "upnpc", "-a", by.Addr().String(), port(by.Port()), port(external), "TCP")
}

// forgetful is a router whose table the client can read. The others learn only by
// its epoch that a mapping has gone, which needs a restart.
type forgetful struct{ real }

// Forget removes our mappings behind the client's back.
func (r forgetful) Forget() {
	for _, rule := range r.lab.Router.Rules(r) {
		if rule.To.Addr() == lab.ServerAddr {
			r.lab.Server.Run(r, "upnpc", "-d", port(rule.External), "TCP")
		}
	}
}

func port(n uint16) string { return strconv.Itoa(int(n)) }
