package natdiscovery_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery"
	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
	"natftpd/natdiscovery/pcp"
	"natftpd/natdiscovery/route"
	"natftpd/natdiscovery/stun"
	"natftpd/natdiscovery/upnp"
)

// lookAt is a configuration whose network is a fake router, or none, on
// loopback.
func lookAt(r *nattest.Router) natdiscovery.Config {
	loopback := netip.MustParseAddr("127.0.0.1")
	cfg := natdiscovery.Config{
		ControlPort: 2121, FirstPassive: 50000, LastPassive: 50002,
		Methods: []gateway.Method{gateway.UPnP}, InterfaceLANs: true, Lease: time.Hour,
		Network: func() (route.Network, error) {
			return route.Network{Interface: "lo", Local: loopback, Router: loopback, LANs: nattest.LANs}, nil
		},
		TryHairpin:   func(context.Context, netip.AddrPort) error { return nil },
		WatchNetwork: func(ctx context.Context, _ func()) error { <-ctx.Done(); return nil },
		Discover: func(context.Context, natdiscovery.Network, gateway.Method) (gateway.Client, error) {
			return nil, gateway.ErrNotFound
		},
	}
	if r != nil {
		cfg.Discover = func(ctx context.Context, n natdiscovery.Network, _ gateway.Method) (gateway.Client, error) {
			return upnp.Discover(ctx, upnp.Config{Local: n.Local, Router: n.Router, LANs: n.LANs, Search: []netip.AddrPort{r.Search()}})
		}
	}
	return cfg
}

func TestALookLeavesTheRouterAsItWas(t *testing.T) {
	t.Run("without a server the ports are tried and closed again", func(t *testing.T) {
		t.Parallel()
		r := nattest.Start(t)
		look := natdiscovery.Once(t.Context(), lookAt(r), false)
		if look.Status.Verdict != natdiscovery.Reachable || !look.Tried {
			t.Errorf("verdict %q, tried %v; want reachable, after a try", look.Status.Verdict, look.Tried)
		}
		if r.Asked("AddPortMapping") != 4 || r.Len() != 0 {
			t.Errorf("%d mappings were made, %d are left; want 4 and none", r.Asked("AddPortMapping"), r.Len())
		}
	})
	t.Run("what a server opened stays, and nothing is added", func(t *testing.T) {
		t.Parallel()
		r := nattest.Start(t)
		for _, port := range []uint16{2121, 50000, 50002} {
			r.Occupy(port, netip.AddrPortFrom(r.Address(), port))
		}
		look := natdiscovery.Once(t.Context(), lookAt(r), true)
		if r.Asked("AddPortMapping") != 0 || r.Asked("DeletePortMapping") != 0 || r.Len() != 3 {
			t.Errorf("the router was changed: %d added, %d deleted, %d there", r.Asked("AddPortMapping"), r.Asked("DeletePortMapping"), r.Len())
		}
		if look.Status.Control.State != natdiscovery.PortVerified || look.Status.Passive[1].State == natdiscovery.PortVerified {
			t.Errorf("control port %q, the port in between %q; want only the first verified", look.Status.Control.State, look.Status.Passive[1].State)
		}
	})
	t.Run("another host's mapping is left alone", func(t *testing.T) {
		t.Parallel()
		r := nattest.Start(t)
		other := netip.MustParseAddrPort("127.0.0.9:50001")
		r.Occupy(50001, other)
		look := natdiscovery.Once(t.Context(), lookAt(r), false)
		if got, _ := r.Mapped(50001); got != other || r.Len() != 1 {
			t.Errorf("port 50001 goes to %v, and %d mappings are there; want %v alone", got, r.Len(), other)
		}
		if got := look.Status.Passive[1].State; got != natdiscovery.PortTaken {
			t.Errorf("port 50001 is %q, want taken", got)
		}
	})
}

func TestALookByPCPLeavesTheRouterAsItWas(t *testing.T) {
	for _, tt := range []struct {
		name             string
		serving, journal bool // the server's can be read
		want             natdiscovery.Verdict
		left             int
	}{
		{"without a server", false, false, natdiscovery.Reachable, 0},
		{"beside a server", true, true, natdiscovery.Reachable, 4},
		// Whoever else asks has another nonce, and would take the mappings over.
		{"beside the server of another user", true, false, natdiscovery.GatewayRefuses, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := nattest.Start(t)
			m := nattest.StartMapper(t, r)
			secret := pcp.NewSecret()
			cfg := lookAt(r)
			cfg.Methods, cfg.StateDir = []gateway.Method{gateway.PCP}, t.TempDir()
			cfg.Discover = func(ctx context.Context, n natdiscovery.Network, _ gateway.Method) (gateway.Client, error) {
				return pcp.Probe(ctx, pcp.Config{Gateway: m.Address().Addr(), Port: m.Address().Port(), Local: n.Local, Secret: secret})
			}
			if tt.serving {
				server, err := cfg.Discover(t.Context(), natdiscovery.Network{Local: r.Address()}, gateway.PCP)
				if err != nil {
					t.Fatal(err)
				}
				var rows []string
				for _, port := range []uint16{2121, 50000, 50001, 50002} {
					internal := netip.AddrPortFrom(r.Address(), port)
					if _, err := server.Map(t.Context(), gateway.Request{Internal: internal, External: port, Lease: time.Hour}); err != nil {
						t.Fatal(err)
					}
					rows = append(rows, fmt.Sprintf(`{"gateway":%q,"method":"pcp","internal":%q,"external_port":%d}`, r.Address(), internal, port))
				}
				if tt.journal {
					journal := `{"version":1,"mappings":[` + strings.Join(rows, ",") + `]}`
					if err := os.WriteFile(filepath.Join(cfg.StateDir, "natdiscovery.json"), []byte(journal), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			asked := m.Asked("PCP MAP")
			look := natdiscovery.Once(t.Context(), cfg, tt.serving)
			if look.Status.Verdict != tt.want || look.Tried == tt.serving {
				t.Errorf("verdict %q (%s), tried %v", look.Status.Verdict, look.Status.Control.Problem, look.Tried)
			}
			if advice := look.Status.Advice; !strings.Contains(advice, "run doctor as the user") == (tt.want == natdiscovery.GatewayRefuses) {
				t.Errorf("advice %q", advice)
			}
			if got := m.Asked("PCP MAP") - asked; tt.serving && !tt.journal && got != 0 {
				t.Errorf("%d mappings were asked for, want none", got)
			}
			if r.Len() != tt.left {
				t.Errorf("%d mappings are left, want %d", r.Len(), tt.left)
			}
		})
	}
}

func TestALookKeepsTheEvidence(t *testing.T) {
	cfg := lookAt(nil)
	answers := []stun.Answer{{Server: "a.example:3478"}, {Server: "b.example:3478"}}
	cfg.AskSTUN = func(context.Context) []stun.Answer { return answers }
	look := natdiscovery.Once(t.Context(), cfg, false)
	if len(look.STUN) != 2 || look.Search == nil || look.Tried {
		t.Errorf("STUN %v, search %v, tried %v", look.STUN, look.Search, look.Tried)
	}
	if look.Status.Verdict != natdiscovery.NoGateway {
		t.Errorf("verdict %q", look.Status.Verdict)
	}
}

func TestRulesAreWhatARouterWantsTyped(t *testing.T) {
	s := natdiscovery.Status{
		Network: natdiscovery.Network{Local: netip.MustParseAddr("192.168.77.10")},
		Control: natdiscovery.Port{Internal: 2121, External: 21},
		Passive: []natdiscovery.Port{{Internal: 50000, External: 50000}, {Internal: 50001, External: 50001}},
	}
	got := s.Rules()
	want := []natdiscovery.Rule{{21, 21, s.Network.Local, 2121}, {50000, 50001, s.Network.Local, 50000}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestALookBesideAServerTellsItsPinholes(t *testing.T) {
	state := t.TempDir()
	journal := `{"version":1,"ipv6_pinholes":[{"gateway":"192.168.77.1","internal":"[2001:470:77::10]:2121","pinhole_id":"7","granted":"2026-01-02T03:04:05Z","lease_granted_seconds":3600}]}`
	if err := os.WriteFile(filepath.Join(state, "natdiscovery.json"), []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	for serving, want := range map[bool]int{true: 1, false: 0} {
		cfg := lookAt(nil)
		cfg.StateDir, cfg.Pinholes = state, true
		if got := natdiscovery.Once(t.Context(), cfg, serving).Status.Pinholes; len(got) != want {
			t.Errorf("serving %v: got %v, want %d", serving, got, want)
		}
	}
	if kept, err := os.ReadFile(filepath.Join(state, "natdiscovery.json")); err != nil || string(kept) != journal {
		t.Errorf("the journal became %q, %v", kept, err)
	}
}
