package upnp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

func TestDiscoverFinds(t *testing.T) {
	const elsewhere = "198.51.100.7"
	for _, c := range []struct {
		name    string
		behave  func(*nattest.Behaviour)
		service string
	}{
		{"a router", func(*nattest.Behaviour) {}, "WANIPConnection:1"},
		{"a router whose location names another host", func(b *nattest.Behaviour) { b.LocationHost = elsewhere }, "WANIPConnection:1"},
		{"a router that answers everything many times", func(b *nattest.Behaviour) { b.SearchCopies = 50 }, "WANIPConnection:1"},
		{"an absolute control URL on the router", func(b *nattest.Behaviour) {
			b.Services = []nattest.Service{{Type: "WANIPConnection:1", Host: "127.0.0.1:PORT"}}
		}, "WANIPConnection:1"},
		{"an absolute control URL without the port", func(b *nattest.Behaviour) {
			b.Services = []nattest.Service{{Type: "WANIPConnection:1", Host: "127.0.0.1"}}
		}, "WANIPConnection:1"},
		{"the best type of service", func(b *nattest.Behaviour) {
			b.Services = []nattest.Service{{Type: "WANPPPConnection:1"}, {Type: "WANIPConnection:1"}, {Type: "WANIPConnection:2"}}
		}, "WANIPConnection:2"},
		{"the connection that is up, though the other has an address", func(b *nattest.Behaviour) {
			b.Services = []nattest.Service{
				{Type: "WANIPConnection:1", Down: true, External: netip.MustParseAddr("11.22.0.9")}, {Type: "WANPPPConnection:1"},
			}
		}, "WANPPPConnection:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := nattest.Start(t)
			r.Behave(c.behave)
			client, err := Discover(t.Context(), config(r))
			if err != nil {
				t.Fatal(err)
			}
			if got := client.Device().Service; got != c.service {
				t.Errorf("found %s, want %s", got, c.service)
			}
			if got, err := client.ExternalAddress(t.Context()); err != nil || got != nattest.WAN {
				t.Errorf("ExternalAddress is %v (%v), want %v", got, err, nattest.WAN)
			}
		})
	}
}

func TestDiscoverSaysWhyNobodyAnswers(t *testing.T) {
	for name, behave := range map[string]func(*nattest.Behaviour){
		"silence":      func(b *nattest.Behaviour) { b.SearchSilent = true },
		"random bytes": func(b *nattest.Behaviour) { b.SearchAnswer = []byte{0xff, 0, '\n', ':'} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := nattest.Start(t)
			r.Behave(behave)
			cfg := config(r)
			cfg.Wait = 100 * time.Millisecond
			_, err := Discover(t.Context(), cfg)
			if want := "is UPnP switched on in the router?"; !errors.Is(err, gateway.ErrNotFound) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %v saying %q", err, gateway.ErrNotFound, want)
			}
		})
	}
}

func TestConnectIsNotFooledBy(t *testing.T) {
	description := func(text string) func(*nattest.Behaviour) {
		return func(b *nattest.Behaviour) { b.Description = []byte(text) }
	}
	for _, c := range []struct {
		name   string
		behave func(*nattest.Behaviour)
		text   string
	}{
		{"a description that is no XML", description("404, sorry"), "makes no sense"},
		{"a description of something else", description(`<root xmlns="urn:schemas-upnp-org:device-1-0"><device/></root>`),
			"offers no port mappings"},
		{"a description nested without end", description("<root>" + strings.Repeat("<device><deviceList>", 3000)), "makes no sense"},
		{"a huge attribute", description(`<root a="` + strings.Repeat("x", maxAnswer) + `"/>`), "longer than 65536 bytes"},
		{"a description that never ends", func(b *nattest.Behaviour) { b.DescriptionEndless = true }, "longer than 65536 bytes"},
		{"a redirect", func(b *nattest.Behaviour) { b.DescriptionRedirect = "http://198.51.100.7/" }, "HTTP status 302"},
		{"a web server that never answers", func(b *nattest.Behaviour) { b.WebSilent = true }, "no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := nattest.Start(t)
			r.Behave(c.behave)
			cfg := config(r).withDefaults()
			reply := found(t, cfg)
			if c.text == "no answer in time" {
				cfg.Timeout = 50 * time.Millisecond
			}
			if _, err := connect(t.Context(), cfg, reply); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want it to say %q", err, c.text)
			}
		})
	}
}

func TestDiscoverBelievesNeighboursOnly(t *testing.T) {
	r := nattest.Start(t)
	cfg := config(r)
	cfg.Router, cfg.LANs = netip.Addr{}, []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24")}
	cfg.Wait = 200 * time.Millisecond
	if _, err := Discover(t.Context(), cfg); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("from outside the LAN: got %v, want %v", err, gateway.ErrNotFound)
	}
	if got := r.Asked("GET"); got != 0 {
		t.Errorf("a stranger's description was fetched %d times, want never", got)
	}
	cfg.Router, cfg.Wait = r.Address(), 0
	if _, err := Discover(t.Context(), cfg); err != nil {
		t.Errorf("from the default gateway: %v", err)
	}
}

func TestDiscoverGoesOnAfterADeadDescription(t *testing.T) {
	dead, good := nattest.Start(t), nattest.Start(t)
	dead.Behave(func(b *nattest.Behaviour) { b.Description = []byte("garbage") })
	cfg := config(dead)
	cfg.Search = append(cfg.Search, good.Search())
	if _, err := Discover(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if good.Asked("GET") != 1 {
		t.Error("the router with a good description was not asked")
	}
}

func TestDiscoverEndsWithItsContext(t *testing.T) {
	r := nattest.Start(t)
	r.Behave(func(b *nattest.Behaviour) { b.SearchSilent = true })
	ctx, cancel := context.WithCancel(t.Context())
	cfg := config(r)
	cfg.Wait = time.Minute
	cancel()
	if _, err := Discover(ctx, cfg); !errors.Is(err, context.Canceled) || errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("got %v, want only %v", err, context.Canceled)
	}
}

func TestDiscoverFromAnAddressThatIsNotOurs(t *testing.T) {
	cfg := Config{Local: netip.MustParseAddr("192.0.2.1")}
	if _, err := Discover(t.Context(), cfg); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("got %v, want %v", err, gateway.ErrNotFound)
	}
}

func TestSearchGoesToTheRouterFirst(t *testing.T) {
	router := netip.MustParseAddr("192.168.77.1")
	want := []netip.AddrPort{netip.MustParseAddrPort("192.168.77.1:1900"), netip.MustParseAddrPort("239.255.255.250:1900")}
	if got := (Config{Router: router}).withDefaults().Search; !slices.Equal(got, want) {
		t.Errorf("searches go to %v, want %v", got, want)
	}
	if got := (Config{}).withDefaults().Search; !slices.Equal(got, want[1:]) {
		t.Errorf("without a router searches go to %v, want %v", got, want[1:])
	}
}

// device127 answers each search from an address of 127.0.0.0/8, as another
// device of the LAN does. It needs a system whose loopback has them all.
func device127(t *testing.T, from string, answers ...string) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp4", from+":0")
	if err != nil {
		t.Skipf("this system's loopback has no %s: %v", from, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, maxDatagram)
		for {
			_, to, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, answer := range answers {
				_, _ = conn.WriteTo([]byte(answer), to)
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func at(location string) string { return "HTTP/1.1 200 OK\r\nLOCATION: " + location + "\r\n\r\n" }

// answersTo searches these and says where the descriptions are.
func answersTo(t *testing.T, search ...netip.AddrPort) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := newSearch(ctx, Config{
		LANs: nattest.LANs, Router: netip.MustParseAddr("127.0.0.9"), Wait: time.Minute, Search: search,
	}, targets)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	var got []string
	for _, r := range s.next(ctx) {
		got = append(got, r.location.Host)
	}
	if ctx.Err() != nil {
		t.Errorf("the search does not end, but for its context")
	}
	return got
}

func TestSearchPrefersTheDefaultGateway(t *testing.T) {
	rival := device127(t, "127.0.0.2", at("http://127.0.0.2:5000/"))
	router := device127(t, "127.0.0.9", at("http://127.0.0.9:5000/"))
	// The router is asked, and so answers, after a rival's time is over.
	got := answersTo(t, append(slices.Repeat([]netip.AddrPort{rival}, int(2*settle/pace)), router)...)
	if want := []string{"127.0.0.9:5000", "127.0.0.2:5000"}; !slices.Equal(got, want) {
		t.Errorf("answers come as %v, want %v", got, want)
	}
}

func TestSearchSurvivesAFlood(t *testing.T) {
	var many []string
	for port := range 3 * maxReplies {
		many = append(many, at(fmt.Sprintf("http://127.0.0.2:%d/", 1+port)))
	}
	got := answersTo(t, device127(t, "127.0.0.2", many...), device127(t, "127.0.0.9", at("http://127.0.0.9:5000/")))
	if len(got) != 1+maxReplies || got[0] != "127.0.0.9:5000" {
		t.Errorf("answers come as %v, want the router's and %d others", got, maxReplies)
	}
}

func TestSearchEndsInGarbage(t *testing.T) {
	garbage := slices.Repeat([]string{"garbage"}, maxDatagrams/5)
	if got := answersTo(t, device127(t, "127.0.0.2", garbage...)); len(got) != 0 {
		t.Errorf("garbage is taken for %v", got)
	}
}
