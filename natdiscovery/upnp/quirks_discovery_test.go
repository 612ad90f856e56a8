package upnp

import (
	"errors"
	"net/netip"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

// offers are connection services.
func offers(services ...nattest.Service) func(*nattest.Behaviour) {
	return func(b *nattest.Behaviour) { b.Services = services }
}

// searchOnly answers one search.
func searchOnly(target string) func(*nattest.Behaviour) {
	return func(b *nattest.Behaviour) { b.SearchOnly = target }
}

// chooses says which service must be in use, and uses it.
func chooses(want string) func(*lab) {
	return func(a *lab) {
		a.Helper()
		if got := a.client.Device().Service; got != want {
			a.Errorf("the service in use is %s, want %s", got, want)
		}
		a.tells()
	}
}

// tells asks for the address.
func (a *lab) tells() {
	a.Helper()
	if got, err := a.client.ExternalAddress(a.Context()); err != nil || got != nattest.WAN {
		a.Errorf("the external address is %v (%v), want %v", got, err, nattest.WAN)
	}
}

// discoveryQuirks are about finding the router, and speaking with it.
var discoveryQuirks = []quirk{
	{18, "the first of several connections is down", offers(nattest.Service{Type: "WANIPConnection:1", Down: true},
		nattest.Service{Type: "WANPPPConnection:1"}), chooses("WANPPPConnection:1")},
	{18, "the first of several connections has a private address", offers(
		nattest.Service{Type: "WANIPConnection:1", External: netip.MustParseAddr("10.0.0.2")},
		nattest.Service{Type: "WANPPPConnection:1"}), chooses("WANPPPConnection:1")},
	{19, "WANPPPConnection only", offers(nattest.Service{Type: "WANPPPConnection:1"}), chooses("WANPPPConnection:1")},
	{19, "the DSL Forum's names", offers(nattest.Service{Type: "urn:dslforum-org:service:WANPPPConnection:1"}), chooses("WANPPPConnection:1")},
	{20, "a URLBase on another host", func(b *nattest.Behaviour) { b.URLBase = "http://198.51.100.7:1/" }, (*lab).tells},
	{20, "a URLBase without the port (TinyUPnP issue 1)", func(b *nattest.Behaviour) { b.URLBase = "http://127.0.0.1/" }, (*lab).tells},
	{20, "a URLBase that is none", func(b *nattest.Behaviour) { b.URLBase = "://%zz" }, (*lab).tells},
	{21, "a control URL on another host", offers(nattest.Service{Type: "WANIPConnection:1", Host: "198.51.100.7:1"}), (*lab).tells},
	{22, "headers known by one spelling, no chunks, no connection kept (syncthing issue 1696)",
		func(b *nattest.Behaviour) { b.HeaderCase = true }, (*lab).tells},
	{23, "a name space needs a prefix", func(b *nattest.Behaviour) { b.PrefixedOnly = true }, (*lab).tells},
	{24, "random bytes on the network (mysterium issue 1203)", func(*nattest.Behaviour) {}, func(a *lab) {
		mad := nattest.Start(a)
		mad.Behave(func(b *nattest.Behaviour) { b.SearchAnswer = []byte{0xff, 0, '\n', ':'} })
		a.finds(mad.Search())
	}},
	{25, "only a search for InternetGatewayDevice:2 is answered", searchOnly("urn:schemas-upnp-org:device:InternetGatewayDevice:2"), (*lab).tells},
	{25, "only a search for InternetGatewayDevice:1 is answered", searchOnly("urn:schemas-upnp-org:device:InternetGatewayDevice:1"), (*lab).tells},
	{25, "only a search for WANIPConnection:2 is answered", searchOnly("urn:schemas-upnp-org:service:WANIPConnection:2"), (*lab).tells},
	{25, "only a search for WANIPConnection:1 is answered", searchOnly("urn:schemas-upnp-org:service:WANIPConnection:1"), (*lab).tells},
	{25, "only a search for WANPPPConnection:1 is answered", searchOnly("urn:schemas-upnp-org:service:WANPPPConnection:1"), (*lab).tells},
	{25, "only a search for the DSL Forum's device is answered", searchOnly("urn:dslforum-org:device:InternetGatewayDevice:1"), (*lab).tells},
	{30, "searches at once are lost (Fritz!Box)", func(b *nattest.Behaviour) { b.SearchOne = true }, func(a *lab) {
		a.router.Behave(func(b *nattest.Behaviour) { b.SearchOnly = "urn:dslforum-org:device:InternetGatewayDevice:1" })
		a.finds()
	}},
	{31, "a network that can't be searched (goupnp issue 33)", func(*nattest.Behaviour) {}, func(a *lab) {
		a.finds(netip.MustParseAddrPort("[::1]:1900")) // not from an IPv4 socket
	}},
	{32, "an IPv6 address in the answer (miniupnp issue 265)", func(b *nattest.Behaviour) { b.LocationHost = "[fe80::1]" }, (*lab).tells},
}

// finds searches at these places, and then at the router's.
func (a *lab) finds(first ...netip.AddrPort) {
	a.Helper()
	cfg := config(a.router)
	cfg.Search = append(first, cfg.Search...)
	if _, err := Discover(a.Context(), cfg); err != nil {
		a.Error(err)
	}
}

// stateQuirks are about what a router forgets, and what it says of itself.
var stateQuirks = []quirk{
	{14, "a reboot moves its URLs (go-libp2p issue 3224)", func(*nattest.Behaviour) {}, func(a *lab) {
		a.router.Reboot(a)
		if _, err := a.client.ExternalAddress(a.Context()); !errors.Is(err, gateway.ErrGone) {
			a.Errorf("after a reboot: got %v, want %v", err, gateway.ErrGone)
		}
		a.finds()
	}},
	{15, "mappings lost with the external address (go-libp2p issue 2502)", func(*nattest.Behaviour) {}, (*lab).misses},
	{27, "mappings purged that nobody used (miniupnpd)", func(*nattest.Behaviour) {}, (*lab).misses},
	{17, "no external address", func(*nattest.Behaviour) {}, tellsNone(netip.Addr{})},
	{17, "0.0.0.0 as external address", func(*nattest.Behaviour) {}, tellsNone(netip.IPv4Unspecified())},
	{17, "loopback as external address", func(*nattest.Behaviour) {}, tellsNone(netip.MustParseAddr("127.0.0.1"))},
	{33, "a private address: a router behind another (tailscale issue 13745)", func(*nattest.Behaviour) {}, func(a *lab) {
		private := netip.MustParseAddr("192.168.1.3")
		a.router.SetExternal(private)
		if got, err := a.client.ExternalAddress(a.Context()); err != nil || got != private {
			a.Errorf("the external address is %v (%v), want %v, which proves double NAT", got, err, private)
		}
		a.refused(a.request(port), gateway.ErrNoWAN, "")
	}},
}

func (a *lab) misses() {
	m, err := a.client.Map(a.Context(), a.request(port))
	if err != nil {
		a.Fatal(err)
	}
	a.router.Forget()
	if err := a.client.Check(a.Context(), m); !errors.Is(err, gateway.ErrNotMapped) {
		a.Errorf("got %v, want %v", err, gateway.ErrNotMapped)
	}
	a.maps(port)
}

func tellsNone(addr netip.Addr) func(*lab) {
	return func(a *lab) {
		a.Helper()
		a.router.SetExternal(addr)
		if got, err := a.client.ExternalAddress(a.Context()); !errors.Is(err, gateway.ErrNoWAN) {
			a.Errorf("the external address is %v (%v), want %v", got, err, gateway.ErrNoWAN)
		}
	}
}
