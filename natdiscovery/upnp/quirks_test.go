package upnp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

// The catalogue of what routers do (and in which of them it was seen). Each number
// has a switch of the fake router, and a test that fails without what copes with it.

// elsewhere are the numbers that are no matter of UPnP.
var elsewhere = map[int]string{
	16: "the host slept: natdiscovery sees that its clocks disagree",
	34: "a carrier's NAT changes ports: natdiscovery asks STUN",
}

// quirk is one line of the catalogue.
type quirk struct {
	number int
	name   string
	behave func(*nattest.Behaviour)
	copes  func(*lab)
}

// lab is a client at work with a router.
type lab struct {
	*testing.T
	router *nattest.Router
	client *Client
}

func TestQuirks(t *testing.T) {
	covered := map[int]bool{}
	for _, table := range [][]quirk{mappingQuirks, portQuirks, discoveryQuirks, stateQuirks} {
		for _, q := range table {
			covered[q.number] = true
			t.Run(fmt.Sprintf("%d %s", q.number, q.name), func(t *testing.T) {
				t.Parallel()
				r, c := discovered(t, q.behave)
				q.copes(&lab{t, r, c})
			})
		}
	}
	for n := 1; n <= 34; n++ {
		if covered[n] == (elsewhere[n] != "") {
			t.Errorf("quirk %d: here %t, elsewhere %q; want one of them", n, covered[n], elsewhere[n])
		}
	}
}

// maps maps a port and says for how long.
func (a *lab) maps(port uint16) time.Duration {
	a.Helper()
	m, err := a.client.Map(a.Context(), request(a.T, a.client, port))
	if err != nil {
		a.Fatalf("map port %d: %v", port, err)
	}
	a.leads(port, m.Internal)
	return m.Lifetime
}

// refused maps a port in vain.
func (a *lab) refused(r gateway.Request, want error, text string) {
	a.Helper()
	_, err := a.client.Map(a.Context(), r)
	if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		a.Errorf("map port %d: got %v, want %v saying %q", r.External, err, want, text)
	}
}

func (a *lab) request(port uint16) gateway.Request {
	a.Helper()
	return request(a.T, a.client, port)
}

func (a *lab) leads(port uint16, want netip.AddrPort) {
	a.Helper()
	if to, ok := a.router.Mapped(port); !ok || to != want {
		a.Errorf("the router forwards port %d to %v (%t), want %v", port, to, ok, want)
	}
}

func (a *lab) asked(action string, want int) {
	a.Helper()
	if got := a.router.Asked(action); got != want {
		a.Errorf("the router was asked %s %d times, want %d", action, got, want)
	}
}

// lasts maps a port and says how long that must be for.
func lasts(want time.Duration) func(*lab) {
	return func(a *lab) {
		a.Helper()
		if got := a.maps(port); got != want {
			a.Errorf("the mapping lasts %v, want %v", got, want)
		}
	}
}

// mappingQuirks are about what a mapping is, and how long.
var mappingQuirks = []quirk{
	{1, "only permanent mappings: 725 (MikroTik)", func(b *nattest.Behaviour) { b.NoLeases = 725 }, func(a *lab) {
		lasts(0)(a)
		a.maps(port + 1)
		a.asked("AddPortMapping", 3) // the lease is refused once
	}},
	{2, "only permanent mappings: 402 (ARRIS NVG578LX)", func(b *nattest.Behaviour) { b.NoLeases = 402 }, lasts(0)},
	{7, "no renewal before the lease ended: 718 (Open.NAT issue 14)", func(b *nattest.Behaviour) { b.NoRenewal = true }, func(a *lab) {
		a.maps(port)
		a.maps(port)
		a.maps(port)
		a.asked("AddPortMapping", 4) // a refusal is met once
	}},
	{13, "a lease cut short (qBittorrent issue 18904)", func(b *nattest.Behaviour) { b.LongestLease = 10 * time.Minute }, lasts(10 * time.Minute)},
	{13, "a renewal that is accepted, while the lease runs out", func(b *nattest.Behaviour) { b.KeepsLeases = true }, func(a *lab) {
		for range 3 {
			lasts(time.Hour)(a)
			a.router.Advance(30 * time.Minute)
		}
		a.asked("AddPortMapping", 4) // that a renewal is in vain is learnt once
	}},
	{13, "a short lease that is renewed is not made anew", func(b *nattest.Behaviour) { b.LongestLease = 10 * time.Minute }, func(a *lab) {
		a.maps(port)
		a.maps(port)
		a.router.Advance(5 * time.Minute)
		lasts(10 * time.Minute)(a)
		a.asked("DeletePortMapping", 0)
	}},
	{28, "no lease means a week (miniupnpd, IGD v2)", func(b *nattest.Behaviour) { b.Version, b.NoLeases = 2, 725 }, lasts(604800 * time.Second)},
	{28, "version 1 for clients from Microsoft (miniupnpd)", func(b *nattest.Behaviour) { b.Version, b.VersionByAgent = 2, true }, func(a *lab) {
		if got := a.client.Device().Service; got != "WANIPConnection:2" {
			a.Errorf("the router offers us %s, want WANIPConnection:2", got)
		}
	}},
	{30, "refusals without a word (Fritz!Box)", func(b *nattest.Behaviour) { b.BareFaults, b.LowestPort = true, 1024 }, func(a *lab) {
		a.refused(a.request(21), gateway.ErrRefused, "error 606 Action Not Authorized")
	}},
}

// portQuirks are about which ports can be had.
var portQuirks = []quirk{
	{3, "402 when the table is full (miniupnp issue 92)", func(b *nattest.Behaviour) { b.Capacity, b.FullCode = 1, 402 }, func(a *lab) {
		a.maps(port)
		a.refused(a.request(port+1), gateway.ErrFull, "error 402")
	}},
	{3, "402 when others filled the table", func(b *nattest.Behaviour) { b.Capacity, b.FullCode = smallTable, 402 }, func(a *lab) {
		for n := range smallTable {
			a.router.Occupy(uint16(1024+n), neighbour)
		}
		a.refused(a.request(port), gateway.ErrFull, "error 402")
	}},
	{4, "501 behind another NAT (miniupnpd)", func(*nattest.Behaviour) {}, func(a *lab) {
		a.router.SetExternal(netip.MustParseAddr("100.64.0.9"))
		a.refused(a.request(port), gateway.ErrNoWAN, "error 501")
	}},
	{5, "an own mapping to an old address of ours (syncthing issue 9324)", func(b *nattest.Behaviour) { b.AnyoneRemoves = true }, func(a *lab) {
		old := netip.MustParseAddrPort("192.168.77.99:50000")
		a.router.Put(port, nattest.Entry{Internal: old, Description: "natftpd test"})
		r := a.request(port)
		a.refused(r, gateway.ErrConflict, "it leads to 192.168.77.99")
		r.Formerly = neighbour.Addr()
		a.refused(r, gateway.ErrConflict, "it leads to 192.168.77.99")
		a.leads(port, old)
		r.Formerly = old.Addr()
		if _, err := a.client.Map(a.Context(), r); err != nil {
			a.Error(err)
		}
		a.leads(port, r.Internal)
	}},
	{5, "an own mapping to an old address that it lets nobody remove (miniupnpd)", func(*nattest.Behaviour) {}, func(a *lab) {
		old := netip.MustParseAddrPort("192.168.77.99:50000")
		a.router.Put(port, nattest.Entry{Internal: old, Description: "natftpd test"})
		r := a.request(port)
		r.Formerly = old.Addr()
		a.refused(r, gateway.ErrConflict, "it is our own from before, and ends by itself: UPnP DeletePortMapping")
		a.leads(port, old)
	}},
	{5, "another program's mapping to an old address of ours", func(b *nattest.Behaviour) { b.AnyoneRemoves = true }, func(a *lab) {
		a.router.Occupy(port, neighbour)
		r := a.request(port)
		r.Formerly = neighbour.Addr()
		a.refused(r, gateway.ErrConflict, "another host")
		a.leads(port, neighbour)
	}},
	{6, "718 although nobody is listed (Livebox)", func(b *nattest.Behaviour) { b.Hidden = []uint16{port} }, func(a *lab) {
		a.refused(a.request(port), gateway.ErrConflict, "error 718")
		a.asked("AddAnyPortMapping", 0)
	}},
	{6, "718 although nobody is listed, but not if asked for any port", func(b *nattest.Behaviour) { b.Version, b.Hidden = 2, []uint16{port} }, lasts(time.Hour)},
	{6, "another port than was asked for is given back", func(b *nattest.Behaviour) { b.Version, b.Hidden, b.HiddenToAny = 2, []uint16{port}, true }, func(a *lab) {
		a.refused(a.request(port), gateway.ErrConflict, "error 718 as told to; it offers port 50001 instead")
		if got := a.router.Len(); got != 0 {
			a.Errorf("the router has %d mappings afterwards, want none", got)
		}
	}},
	{6, "718 although nobody is listed, whatever is asked", func(b *nattest.Behaviour) {
		b.Version, b.Hidden, b.Faults = 2, []uint16{port}, map[string]int{"AddAnyPortMapping": 501}
	}, func(a *lab) { a.refused(a.request(port), gateway.ErrConflict, "error 718") }},
	{8, "the same port inside and outside: 724", func(b *nattest.Behaviour) { b.SamePorts, b.BareFaults = true, true }, func(a *lab) {
		a.maps(port)
		r := a.request(2121)
		r.External = 21
		a.refused(r, gateway.ErrRefused, "error 724 SamePortValuesRequired")
	}},
	{9, "any remote host or none: 726", func(*nattest.Behaviour) {}, lasts(time.Hour)},
	{9, "all ports or none: 727", func(b *nattest.Behaviour) { b.OnlyAnyPort, b.BareFaults = true, true }, func(a *lab) {
		a.refused(a.request(port), gateway.ErrRefused, "error 727 ExternalPortOnlySupportsWildcard")
	}},
	{10, "a full table: 728", func(b *nattest.Behaviour) { b.Capacity = 1 }, func(a *lab) {
		a.maps(port)
		a.refused(a.request(port+1), gateway.ErrFull, "error 728")
	}},
	{10, "a rule made by hand: 729", func(b *nattest.Behaviour) { b.ByHand = []uint16{port} }, func(a *lab) {
		a.refused(a.request(port), gateway.ErrRule, "error 729")
		a.refused(a.request(port), gateway.ErrConflict, "made by hand")
	}},
	{11, "no low ports: 606", func(b *nattest.Behaviour) { b.LowestPort = 1024 }, func(a *lab) {
		a.refused(a.request(21), gateway.ErrRefused, "error 606")
	}},
	{11, "mappings to the asking address only: 606 (secure mode)", func(*nattest.Behaviour) {}, (*lab).fromItsOwnAddress},
	{12, "a table that is full and says nothing (Linksys)", func(b *nattest.Behaviour) { b.Capacity, b.FullSilent = 1, true }, func(a *lab) {
		a.maps(port)
		a.refused(a.request(port+1), gateway.ErrFull, "accepted but is not listed")
	}},
	{26, "the port misnamed (miniupnpd until 2024)", func(b *nattest.Behaviour) {
		b.Version, b.Hidden, b.AnyPort = 2, []uint16{port}, "NewExternalPort"
	}, lasts(time.Hour)},
	{26, "another port, misnamed, is given back", func(b *nattest.Behaviour) {
		b.Version, b.Hidden, b.HiddenToAny, b.AnyPort = 2, []uint16{port}, true, "NewExternalPort"
	}, func(a *lab) {
		a.refused(a.request(port), gateway.ErrConflict, "it offers port 50001 instead")
		if got := a.router.Len(); got != 0 {
			a.Errorf("the router has %d mappings afterwards, want none", got)
		}
	}},
	{26, "the port not named at all", func(b *nattest.Behaviour) {
		b.Version, b.Hidden, b.AnyPort = 2, []uint16{port}, "NewPort"
	}, lasts(time.Hour)},
	{29, "a list that ends in 714", func(b *nattest.Behaviour) { b.ListEnd = 714 }, (*lab).counts},
	{29, "a list that ends in 500", func(b *nattest.Behaviour) { b.ListEnd = 500 }, (*lab).counts},
	{29, "a list that never ends", func(b *nattest.Behaviour) { b.ListEndless = true }, func(a *lab) {
		if got := a.client.rows(a.Context(), smallTable); got != smallTable {
			a.Errorf("counted %d rows, want to stop at %d", got, smallTable)
		}
		a.asked("GetGenericPortMappingEntry", smallTable)
	}},
}

// counts counts a table of two.
func (a *lab) counts() {
	a.router.Occupy(port, neighbour)
	a.router.Occupy(port+1, neighbour)
	if got := a.client.rows(a.Context(), smallTable); got != 2 {
		a.Errorf("counted %d rows, want 2", got)
	}
}

// fromItsOwnAddress asks from one of several addresses of this host.
func (a *lab) fromItsOwnAddress() {
	cfg := config(a.router).withDefaults()
	cfg.Local = netip.MustParseAddr("127.0.0.2")
	s, err := newSearch(a.Context(), cfg, targets)
	if err != nil {
		a.Skipf("this system's loopback has one address: %v", err)
	}
	s.close()
	if a.client, err = connect(a.Context(), cfg, found(a.T, cfg)); err != nil {
		a.Fatal(err)
	}
	if got := a.client.Local(); got != cfg.Local {
		a.Errorf("the client asks from %v, want %v", got, cfg.Local)
	}
	a.maps(port)
}
