// Package nattest is a fake home network for tests: a router that speaks UPnP
// IGD, NAT-PMP and PCP on loopback, a STUN server, and the contract suite that
// every method's gateway.Client has to pass. All of them can be told to misbehave
// in the ways that real ones do, and count what they are asked.
//
// The bytes that it reads and writes are its own: it shares no codec with the
// clients that it tests, so a mistake can't cancel itself out. It knows nothing
// of the loop or of FTP, and production code never imports it.
package nattest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// LANs are the networks that the fakes live in.
var LANs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// WAN is a fake router's external address until it is set to another: a public
// one, since documentation blocks do not count as an external address.
var WAN = netip.MustParseAddr("11.22.0.2")

// Router is a fake home router: an SSDP responder, its description, and an IGD
// with a table of port mappings, a firewall for IPv6, and events. Its methods may
// be called from any goroutine.
type Router struct {
	wg   sync.WaitGroup
	at   netip.Addr // a loopback address
	stop context.CancelFunc
	done context.Context // ends with the router: requests left hanging end with it
	udp  *net.UDPConn

	mu       sync.Mutex
	does     Behaviour
	external netip.Addr
	table    map[uint16]Entry
	pinholes map[int]Entry
	asked    map[string]int
	heard    map[int]int // how often events were answered with each status
	audience []*subscriber
	ahead    time.Duration // how far the router's clock was advanced
	boots    int
	web      *http.Server
	webPort  uint16
}

// Start starts a well-behaved router with one WANIPConnection:1 and stops it
// when the test ends.
func Start(t testing.TB) *Router {
	t.Helper()
	r := &Router{at: netip.MustParseAddr("127.0.0.1")}
	r.start(t)
	return r
}

// Start6 starts what a router of version 2 is to IPv6: it is asked at ::1. The test
// is skipped where this host has no IPv6.
func Start6(t testing.TB) *Router {
	t.Helper()
	r := &Router{at: netip.IPv6Loopback(), does: Behaviour{Version: 2}}
	probe, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this host has no IPv6 loopback: %v", err)
	}
	_ = probe.Close()
	r.start(t)
	return r
}

func (r *Router) start(t testing.TB) {
	t.Helper()
	r.external, r.table, r.pinholes = WAN, map[uint16]Entry{}, map[int]Entry{}
	r.asked, r.heard = map[string]int{}, map[int]int{}
	r.done, r.stop = context.WithCancel(context.Background())
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.at, 0)))
	if err != nil {
		t.Fatalf("start the fake router's SSDP: %v", err)
	}
	r.udp = udp
	r.boot(t)
	r.wg.Go(r.answerSearches)
	t.Cleanup(func() { r.close(t) })
}

// boot opens the router's web server on a port of its own.
func (r *Router) boot(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", netip.AddrPortFrom(r.at, 0).String())
	if err != nil {
		t.Fatalf("start the fake router's web server: %v", err)
	}
	mux := http.NewServeMux()
	web := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute, ConnContext: keepHead}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.boots++
	r.web, r.webPort = web, listener.Addr().(*net.TCPAddr).AddrPort().Port()
	// The paths change with each boot, as they do on some routers.
	mux.HandleFunc(fmt.Sprintf("GET /%d/desc.xml", r.boots), r.describe)
	mux.HandleFunc(fmt.Sprintf("POST /%d/", r.boots), r.control)
	mux.HandleFunc(fmt.Sprintf("SUBSCRIBE /%d/evt/", r.boots), r.subscribe)
	mux.HandleFunc(fmt.Sprintf("UNSUBSCRIBE /%d/evt/", r.boots), r.unsubscribe)
	r.wg.Go(func() {
		if err := web.Serve(headListener{listener}); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the fake router's web server: %v", err)
		}
	})
}

func (r *Router) close(t testing.TB) {
	t.Helper()
	r.stop()
	r.mu.Lock()
	web := r.web // and from here on no event is sent any more
	r.mu.Unlock()
	for _, err := range []error{r.udp.Close(), web.Close()} {
		if err != nil {
			t.Errorf("stop the fake router: %v", err)
		}
	}
	r.wg.Wait()
}

// Reboot restarts the router: its table is empty, and its description and
// control URLs are on another port.
func (r *Router) Reboot(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	web := r.web
	clear(r.table)
	clear(r.pinholes)
	r.audience = nil
	r.mu.Unlock()
	// The new port is taken before the old one is given up, so they differ.
	r.boot(t)
	if err := web.Close(); err != nil {
		t.Errorf("reboot the fake router: %v", err)
	}
}

// Search is where the router answers SSDP searches.
func (r *Router) Search() netip.AddrPort {
	return r.udp.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Address is the router's LAN address.
func (r *Router) Address() netip.Addr { return r.Search().Addr() }

// External is the router's WAN address; the zero Addr: it has none.
func (r *Router) External() netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.external
}

// SetExternal gives the router another WAN address. The zero Addr: it tells an
// empty one, and refuses mappings with 501, as miniupnpd does behind another
// NAT. So it does when the address is private.
func (r *Router) SetExternal(addr netip.Addr) {
	r.mu.Lock()
	r.external = addr
	r.mu.Unlock()
	r.Notify()
}

// Asked is how often the router was asked for this: "M-SEARCH", "GET" for the
// description, "SUBSCRIBE", "UNSUBSCRIBE", or the name of an action.
func (r *Router) Asked(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[what]
}

// Requests is how many actions and subscriptions the router was asked for in all.
func (r *Router) Requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := 0
	for what, n := range r.asked {
		if what != "M-SEARCH" && what != "GET" {
			sum += n
		}
	}
	return sum
}

// count counts a request and says how to behave on it.
func (r *Router) count(what string) Behaviour {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[what]++
	return r.does
}
