package upnp

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

const port = 50000

var neighbour = netip.MustParseAddrPort("192.168.77.20:8080")

func TestMapIsRefusedInTheGatewaysWords(t *testing.T) {
	fault := func(code int) func(*nattest.Behaviour) {
		return func(b *nattest.Behaviour) { b.Faults = map[string]int{"AddPortMapping": code} }
	}
	for _, c := range []struct {
		name   string
		behave func(*nattest.Behaviour)
		want   error
		text   string
	}{
		{"an unknown action on every service is a refusal", fault(401), gateway.ErrRefused, "error 401 as told to"},
		{"wrong arguments, with a lease and without", fault(402), gateway.ErrRefused, "error 402"},
		{"failed although the WAN is up", fault(501), gateway.ErrRefused, "error 501"},
		{"not authorised", fault(606), gateway.ErrRefused, "error 606"},
		{"only a wildcard as remote host", fault(726), gateway.ErrRefused, "error 726"},
		{"a code that no standard knows", fault(899), gateway.ErrRefused, "error 899"},
		{"a mapping that is accepted and forgotten (Linksys)", func(b *nattest.Behaviour) { b.IgnoreAdds = true },
			gateway.ErrFull, "accepted but is not listed"},
		{"a mapping that is answered with nothing, and not made",
			func(b *nattest.Behaviour) { b.IgnoreAdds, b.EmptyAdds = true, true }, gateway.ErrProtocol, "without the result"},
		{"a mapping that is listed as disabled", func(b *nattest.Behaviour) { b.DisableAdds = true },
			gateway.ErrRefused, "disabled"},
		{"HTTP 403", func(b *nattest.Behaviour) { b.ControlStatus = 403 }, gateway.ErrRefused, "HTTP status 403"},
		{"HTTP 404", func(b *nattest.Behaviour) { b.ControlStatus = 404 }, gateway.ErrGone, "HTTP status 404"},
		{"HTTP 405", func(b *nattest.Behaviour) { b.ControlStatus = 405 }, gateway.ErrGone, "HTTP status 405"},
		{"HTTP 500 with nothing", func(b *nattest.Behaviour) { b.ControlStatus = 500 }, gateway.ErrProtocol, "HTTP status 500"},
		{"an answer that is no XML", func(b *nattest.Behaviour) { b.ControlAnswer = []byte("\x00\xff garbage") },
			gateway.ErrProtocol, "without the result"},
		{"an answer that is too long", func(b *nattest.Behaviour) { b.ControlAnswer = make([]byte, maxAnswer) },
			gateway.ErrProtocol, "longer than 65536 bytes"},
		{"an answer nested too deep", func(b *nattest.Behaviour) { b.ControlAnswer = []byte(strings.Repeat("<a>", 20000)) },
			gateway.ErrProtocol, "without the result"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, client := discovered(t, func(*nattest.Behaviour) {})
			r.Occupy(port-1, neighbour)
			r.Behave(c.behave)
			_, err := client.Map(t.Context(), request(t, client, port))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %v saying %q", err, c.want, c.text)
			}
			if got := r.Len(); got != 1 {
				t.Errorf("the router has %d mappings afterwards, want only the neighbour's", got)
			}
		})
	}
}

func TestMapCopesWith(t *testing.T) {
	for _, c := range []struct {
		name     string
		behave   func(*nattest.Behaviour)
		lifetime time.Duration
		adds     int
	}{
		{"a well-behaved router", func(*nattest.Behaviour) {}, time.Hour, 1},
		{"leases that are not listed", func(b *nattest.Behaviour) { b.HideLeases = true }, time.Hour, 1},
		{"success told with an empty body", func(b *nattest.Behaviour) { b.EmptyAdds = true }, time.Hour, 1},
		{"713 for a port that nobody has", func(b *nattest.Behaviour) { b.NoEntry = 713 }, time.Hour, 1},
		{"402 for a port that nobody has", func(b *nattest.Behaviour) { b.NoEntry = 402 }, time.Hour, 1},
		{"501 for a port that nobody has", func(b *nattest.Behaviour) { b.NoEntry = 501 }, time.Hour, 1},
		{"a service without the action beside one that has it", func(b *nattest.Behaviour) {
			b.Services = []nattest.Service{{Type: "WANIPConnection:2"}, {Type: "WANIPConnection:1"}}
			b.Faults = map[string]int{"WANIPConnection:2#AddPortMapping": 401}
		}, time.Hour, 2},
		{"a service without an optional action", func(b *nattest.Behaviour) {
			b.Services = []nattest.Service{{Type: "WANIPConnection:1"}, {Type: "WANPPPConnection:1"}}
			b.Faults = map[string]int{"WANIPConnection:1#GetSpecificPortMappingEntry": 602}
		}, time.Hour, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, client := discovered(t, c.behave)
			m, err := client.Map(t.Context(), request(t, client, port))
			if err != nil {
				t.Fatal(err)
			}
			if m.Lifetime != c.lifetime {
				t.Errorf("lifetime is %v, want %v", m.Lifetime, c.lifetime)
			}
			if got := r.Asked("AddPortMapping"); got != c.adds {
				t.Errorf("asked AddPortMapping %d times, want %d", got, c.adds)
			}
			if to, ok := r.Mapped(port); !ok || to != m.Internal {
				t.Errorf("the router forwards to %v (%t), want %v", to, ok, m.Internal)
			}
		})
	}
}

func TestLeaseIsNeverLongerThanTheStandardAllows(t *testing.T) {
	_, c := discovered(t, func(*nattest.Behaviour) {})
	r := request(t, c, port)
	r.Lease = 30 * 24 * time.Hour
	if m, err := c.Map(t.Context(), r); err != nil || m.Lifetime != maxLease {
		t.Errorf("lifetime is %v (%v), want %v", m.Lifetime, err, maxLease)
	}
}

func TestServiceThatKnowsTheActionIsKept(t *testing.T) {
	r, c := discovered(t, func(b *nattest.Behaviour) {
		b.Services = []nattest.Service{{Type: "WANIPConnection:2"}, {Type: "WANIPConnection:1"}}
		b.Faults = map[string]int{"WANIPConnection:2#GetSpecificPortMappingEntry": 401}
	})
	if _, err := c.Map(t.Context(), request(t, c, port)); err != nil {
		t.Fatal(err)
	}
	if got := c.Device().Service; got != "WANIPConnection:1" {
		t.Errorf("the service in use is %s, want WANIPConnection:1", got)
	}
	if got := r.Asked("GetSpecificPortMappingEntry"); got != 3 {
		t.Errorf("looked %d times, want 3: refused, looked, read back", got)
	}
}

func TestMapLooksBeforeARouterThatOverwrites(t *testing.T) {
	r, c := discovered(t, func(b *nattest.Behaviour) { b.Overwrite = true })
	r.Occupy(port, neighbour)
	_, err := c.Map(t.Context(), request(t, c, port))
	if !errors.Is(err, gateway.ErrConflict) {
		t.Errorf("got %v, want %v", err, gateway.ErrConflict)
	}
	if want := "192.168.77.20 (\"another host\")"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want it to name %s", err, want)
	}
	if to, _ := r.Mapped(port); to != neighbour {
		t.Errorf("the router forwards to %v, want still to %v", to, neighbour)
	}
}

func TestMapOfAPortOfThisHost(t *testing.T) {
	for _, c := range []struct {
		name        string
		internal    uint16
		description string
		norenewal   bool
		want        error
	}{
		{"renews ours", port, "natftpd test", false, nil},
		{"renews ours where the router kept no description", port, "", false, nil},
		{"renews ours on a router that refuses it (Open.NAT issue 14)", port, "natftpd test", true, nil},
		{"takes over what an earlier run left", port + 1, "natftpd test", false, nil},
		{"leaves another program's alone", port + 1, "a game", false, gateway.ErrConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, client := discovered(t, func(b *nattest.Behaviour) { b.NoRenewal = c.norenewal })
			before := netip.AddrPortFrom(client.Local(), c.internal)
			r.Put(port, nattest.Entry{Internal: before, Description: c.description})
			m, err := client.Map(t.Context(), request(t, client, port))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			want := before
			if c.want == nil {
				want = m.Internal
			}
			if to, _ := r.Mapped(port); to != want {
				t.Errorf("the router forwards to %v, want %v", to, want)
			}
		})
	}
}

func TestMapRefusesWhatIsNoMapping(t *testing.T) {
	r, c := discovered(t, func(*nattest.Behaviour) {})
	zero := request(t, c, port)
	zero.External = 0 // maps every port on many routers
	if _, err := c.Map(t.Context(), zero); err == nil {
		t.Error("external port 0 was mapped")
	}
	if _, err := c.Map(t.Context(), gateway.Request{External: port}); err == nil {
		t.Error("a mapping to nowhere was mapped")
	}
	if got := r.Requests(); got != 0 {
		t.Errorf("the router was asked %d times, want never", got)
	}
}

func TestNoWANIsToldFromARefusal(t *testing.T) {
	for _, c := range []struct {
		name     string
		external netip.Addr
		tells    error // ExternalAddress
		maps     error // Map
	}{
		{"a public address", nattest.WAN, nil, nil},
		{"no address, as miniupnpd behind another NAT", netip.Addr{}, gateway.ErrNoWAN, gateway.ErrNoWAN},
		{"a private address is an answer", netip.MustParseAddr("192.168.1.3"), nil, gateway.ErrNoWAN},
		{"a carrier's address is an answer", netip.MustParseAddr("100.64.0.9"), nil, gateway.ErrNoWAN},
		{"unspecified", netip.IPv4Unspecified(), gateway.ErrNoWAN, nil},
		{"loopback", netip.MustParseAddr("127.0.0.1"), gateway.ErrNoWAN, nil},
		{"multicast", netip.MustParseAddr("239.1.2.3"), gateway.ErrNoWAN, nil},
		{"link-local", netip.MustParseAddr("169.254.7.7"), gateway.ErrNoWAN, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, client := discovered(t, func(*nattest.Behaviour) {})
			r.SetExternal(c.external)
			got, err := client.ExternalAddress(t.Context())
			if !errors.Is(err, c.tells) {
				t.Errorf("ExternalAddress: got %v, want %v", err, c.tells)
			}
			if err == nil && got != c.external {
				t.Errorf("ExternalAddress is %v, want %v", got, c.external)
			}
			if _, err := client.Map(t.Context(), request(t, client, port)); !errors.Is(err, c.maps) {
				t.Errorf("Map: got %v, want %v", err, c.maps)
			}
		})
	}
}

func TestLeaseEndsOnTheRoutersClock(t *testing.T) {
	r, c := discovered(t, func(*nattest.Behaviour) {})
	m, err := c.Map(t.Context(), request(t, c, port))
	if err != nil {
		t.Fatal(err)
	}
	r.Advance(59 * time.Minute)
	if err := c.Check(t.Context(), m); err != nil {
		t.Errorf("after 59 minutes of an hour: %v", err)
	}
	r.Advance(2 * time.Minute)
	if err := c.Check(t.Context(), m); !errors.Is(err, gateway.ErrNotMapped) {
		t.Errorf("after 61 minutes of an hour: got %v, want %v", err, gateway.ErrNotMapped)
	}
}

func TestUnmapOfAMappingThatGoesMeanwhile(t *testing.T) {
	r, c := discovered(t, func(*nattest.Behaviour) {})
	m, err := c.Map(t.Context(), request(t, c, port))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[int]error{714: nil, 606: gateway.ErrRefused} {
		r.Behave(func(b *nattest.Behaviour) { b.Faults = map[string]int{"DeletePortMapping": code} })
		if err := c.Unmap(t.Context(), m); !errors.Is(err, want) {
			t.Errorf("refused with %d: got %v, want %v", code, err, want)
		}
	}
}

func TestFaultNamesItself(t *testing.T) {
	_, c := discovered(t, func(b *nattest.Behaviour) {
		b.BareFaults, b.Faults = true, map[string]int{"AddPortMapping": 606}
	})
	_, err := c.Map(t.Context(), request(t, c, port))
	var f *Fault
	if !errors.As(err, &f) || f.Action != "AddPortMapping" || f.Port != port || f.Code != 606 {
		t.Fatalf("got %#v, want the fault 606 of AddPortMapping", err)
	}
	want := "UPnP AddPortMapping for TCP port 50000: gateway refuses: error 606 Action Not Authorized"
	if got := err.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
