package upnp

import (
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

// config looks for a fake router and nobody else.
func config(r *nattest.Router) Config {
	return Config{
		Local: r.Address(), Router: r.Address(), LANs: nattest.LANs,
		Search: []netip.AddrPort{r.Search()},
	}
}

// found searches for a router that answers, and waits for no rivals.
func found(t *testing.T, cfg Config) reply {
	t.Helper()
	s, err := newSearch(t.Context(), cfg, targets)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for now := time.Now(); now.Before(s.end); now = time.Now() {
		if r, ok := s.receive(s.send(now)); ok {
			return r
		}
	}
	t.Fatal("the fake router does not answer the search")
	return reply{}
}

// discovered starts a router that behaves like this, and a client of it.
func discovered(t *testing.T, behave func(*nattest.Behaviour)) (*nattest.Router, *Client) {
	t.Helper()
	r := nattest.Start(t)
	r.Behave(behave)
	cfg := config(r).withDefaults()
	c, err := connect(t.Context(), cfg, found(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	return r, c
}

func request(t *testing.T, c *Client, port uint16) gateway.Request {
	t.Helper()
	return gateway.Request{
		Internal: netip.AddrPortFrom(c.Local(), port), External: port,
		Lease: time.Hour, Description: "natftpd test",
	}
}

func TestContract(t *testing.T) {
	for _, router := range []struct {
		name   string
		behave func(*nattest.Behaviour)
	}{
		{"IGD v1", func(*nattest.Behaviour) {}},
		{"IGD v2", func(b *nattest.Behaviour) { b.Version = 2 }},
		{"WANPPPConnection only, faults without a text (Fritz!Box)", func(b *nattest.Behaviour) {
			b.BareFaults = true
			b.Services = []nattest.Service{{Type: "WANPPPConnection:1"}}
		}},
		{"permanent mappings only", func(b *nattest.Behaviour) { b.NoLeases = 725 }},
	} {
		t.Run(router.name, func(t *testing.T) {
			t.Parallel()
			nattest.TestClient(t, func(t *testing.T) (nattest.Gateway, gateway.Client) {
				return discovered(t, router.behave)
			})
		})
	}
}

func TestDeviceIsToldForPeople(t *testing.T) {
	r, c := discovered(t, func(b *nattest.Behaviour) {
		b.Version, b.Model = 2, "Box\n\x1b[31m & Söhne"
	})
	want := gateway.Device{
		Address: r.Address(), Model: "nattest Box [31m & Söhne 1", Service: "WANIPConnection:2",
		ID: "uuid:6e617466-7470-6400-8000-000000000001",
	}
	if got := c.Device(); got != want {
		t.Errorf("Device is %+v, want %+v", got, want)
	}
}
