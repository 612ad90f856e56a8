package upnp

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

// watching is a client that watches a fake router, whose announcements come by
// unicast.
type watching struct {
	*testing.T
	router *nattest.Router
	client *Client
	at     netip.AddrPort // where it listens for announcements
	told   chan gateway.Reason
	stop   context.CancelFunc
	ended  chan error
}

func startWatching(t *testing.T, behave func(*nattest.Behaviour)) *watching {
	t.Helper()
	r := nattest.Start(t)
	r.Behave(behave)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(r).withDefaults()
	cfg.Announcements = func(netip.Addr) (*net.UDPConn, error) { return socket, nil }
	c, err := connect(t.Context(), cfg, found(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	w := &watching{T: t, router: r, client: c, stop: stop, at: socket.LocalAddr().(*net.UDPAddr).AddrPort(),
		told: make(chan gateway.Reason, 100), ended: make(chan error, 1)}
	go func() { w.ended <- c.Watch(ctx, func(r gateway.Reason) { w.told <- r }) }()
	t.Cleanup(w.end)
	return w
}

// end ends the watch, as often as it is called.
func (w *watching) end() {
	w.Helper()
	w.stop()
	err, ok := <-w.ended
	if err != nil {
		w.Errorf("Watch ended with %v, want nil", err)
	}
	if ok {
		close(w.ended)
	}
}

// hears waits until a reason is told.
func (w *watching) hears(want gateway.Reason) {
	w.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case got := <-w.told:
			if got == want {
				return
			}
		case <-deadline:
			w.Fatalf("the client does not hear that %s", want)
		}
	}
}

func TestWatchTellsOf(t *testing.T) {
	for _, c := range []struct {
		name   string
		behave func(*nattest.Behaviour)
		happen func(w *watching)
		want   gateway.Reason
	}{
		{"what is so at the beginning", func(*nattest.Behaviour) {}, func(*watching) {}, gateway.AddressChanged},
		{"an event that comes before the subscription is answered",
			func(b *nattest.Behaviour) { b.EventFirst = true }, func(*watching) {}, gateway.AddressChanged},
		{"an event that makes no sense",
			func(b *nattest.Behaviour) { b.EventBody = []byte("<e:property") }, func(*watching) {}, gateway.AddressChanged},
		{"another external address", func(*nattest.Behaviour) {}, func(w *watching) {
			w.hears(gateway.AddressChanged)
			w.router.SetExternal(netip.MustParseAddr("11.22.0.3"))
		}, gateway.AddressChanged},
		{"another number of mappings", func(*nattest.Behaviour) {}, func(w *watching) {
			w.hears(gateway.MappingsChanged)
			w.router.Occupy(port, neighbour)
		}, gateway.MappingsChanged},
		{"a new start", func(b *nattest.Behaviour) { b.NoEvents = true }, func(w *watching) {
			w.router.Reboot(w)
			w.router.Announce(w, w.at, "ssdp:alive")
		}, gateway.Restarted},
		{"a description elsewhere", func(b *nattest.Behaviour) { b.NoEvents, b.NoBootID = true, true }, func(w *watching) {
			w.router.Reboot(w)
			w.router.Announce(w, w.at, "ssdp:alive")
		}, gateway.Restarted},
		{"goodbye", func(b *nattest.Behaviour) { b.NoEvents = true }, func(w *watching) {
			w.router.Announce(w, w.at, "ssdp:byebye")
		}, gateway.Gone},
		{"a return after goodbye", func(b *nattest.Behaviour) { b.NoEvents = true }, func(w *watching) {
			w.router.Announce(w, w.at, "ssdp:byebye")
			w.router.Announce(w, w.at, "ssdp:alive")
		}, gateway.Restarted},
		{"an update", func(b *nattest.Behaviour) { b.NoEvents = true }, func(w *watching) {
			w.router.Announce(w, w.at, "ssdp:update")
		}, gateway.AddressChanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := startWatching(t, c.behave)
			c.happen(w)
			w.hears(c.want)
		})
	}
}

func TestWatchRunsBesideTheOtherMethods(t *testing.T) {
	w := startWatching(t, func(b *nattest.Behaviour) {
		b.Services = []nattest.Service{{Type: "WANIPConnection:2"}, {Type: "WANIPConnection:1", Host: "198.51.100.7"}}
		b.Faults = map[string]int{"WANIPConnection:2#AddPortMapping": 401} // the other service is used from then on
	})
	w.hears(gateway.AddressChanged)
	if _, err := w.client.Map(t.Context(), request(t, w.client, port)); err != nil {
		t.Error(err)
	}
	w.hears(gateway.MappingsChanged)
	w.router.SetExternal(netip.MustParseAddr("11.22.0.3"))
	w.hears(gateway.AddressChanged)
}

func TestWatchTakesLeave(t *testing.T) {
	w := startWatching(t, func(*nattest.Behaviour) {})
	w.hears(gateway.AddressChanged)
	if got := w.router.Subscribers(); got != 1 {
		t.Errorf("the router has %d subscribers while we watch, want 1", got)
	}
	w.end()
	if got := w.router.Subscribers(); got != 0 {
		t.Errorf("the router has %d subscribers after we ended, want none", got)
	}
	if got := w.router.Heard(http.StatusOK); got == 0 {
		t.Error("no event was answered with 200")
	}
}

func TestWatchWithoutEventsAndAnnouncementsIsAnError(t *testing.T) {
	_, c := discovered(t, func(b *nattest.Behaviour) { b.NoEvents = true })
	c.cfg.Announcements = func(netip.Addr) (*net.UDPConn, error) { return nil, net.ErrClosed }
	err := c.Watch(t.Context(), func(gateway.Reason) { t.Error("something was told") })
	if err == nil || !strings.Contains(err.Error(), "describes no events") {
		t.Errorf("got %v, want an error that says why", err)
	}
}

func TestRelayGathersWhatComesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		heard, ended := make(chan gateway.Reason), make(chan struct{})
		var told []string
		began := time.Now()
		go func() {
			defer close(ended)
			relay(ctx, heard, func(r gateway.Reason) {
				told = append(told, fmt.Sprintf("%s after %v", r, time.Since(began)))
			})
		}()
		for range 250 { // 2.5 s
			heard <- gateway.MappingsChanged
			time.Sleep(10 * time.Millisecond)
		}
		heard <- gateway.Gone
		time.Sleep(time.Hour)
		cancel()
		<-ended
		want := []string{"mappings changed after 0s", "mappings changed after 1s", "mappings changed after 2s",
			"mappings changed after 3s", "gateway said goodbye after 3s"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestAnnouncementsReachSeveralProgramsOfThisHost(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	first, err := listenGroup(local, netip.AddrPortFrom(group, 0))
	if err != nil {
		t.Skipf("this system's loopback has no multicast: %v", err)
	}
	defer func() { _ = first.Close() }()
	at := netip.AddrPortFrom(group, first.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	second, err := listenGroup(local, at)
	if err != nil {
		t.Fatalf("a second program can't listen: %v", err)
	}
	defer func() { _ = second.Close() }()
	sender, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sender.Close() }()
	if _, err := sender.WriteToUDPAddrPort([]byte("hello"), at); err != nil {
		t.Fatal(err)
	}
	for _, conn := range []*net.UDPConn{first, second} {
		buf := make([]byte, 16)
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, from, err := conn.ReadFromUDPAddrPort(buf); err != nil || string(buf[:n]) != "hello" || from.Addr().Unmap() != local {
			t.Errorf("got %q from %v (%v)", buf[:n], from, err)
		}
	}
}
