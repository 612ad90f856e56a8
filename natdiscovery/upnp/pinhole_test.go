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

// ours6 is where the pinholes lead to.
var ours6 = netip.AddrPortFrom(netip.IPv6Loopback(), port)

// discovered6 is a client of a fake router, and what that router is to IPv6.
func discovered6(t *testing.T, behave func(*nattest.Behaviour)) (*nattest.Router, *Client) {
	t.Helper()
	r := nattest.Start6(t)
	r.Behave(behave)
	_, c := discovered(t, func(*nattest.Behaviour) {})
	c.cfg.Search6 = []netip.AddrPort{r.Search()}
	return r, c
}

func TestPinholeIsOpenedRenewedAndClosed(t *testing.T) {
	r, c := discovered6(t, func(*nattest.Behaviour) {})
	p, err := c.OpenPinhole(t.Context(), ours6, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if p.Internal != ours6 || p.Lifetime != time.Hour || p.ID == "" || p.RenewAt().Sub(p.Granted) != 30*time.Minute {
		t.Errorf("got %+v, want one to %s for an hour", p, ours6)
	}
	if open := r.Pinholes(); len(open) != 1 || open[0].Internal != ours6 {
		t.Errorf("the router lets through to %v, want %v", open, ours6)
	}
	r.Advance(50 * time.Minute)
	if p, err = c.RenewPinhole(t.Context(), p, time.Hour); err != nil {
		t.Fatal(err)
	}
	r.Advance(50 * time.Minute)
	if open := r.Pinholes(); len(open) != 1 {
		t.Errorf("the router lets through to %v, 50 minutes after a renewal for an hour", open)
	}
	for _, what := range []string{"close", "close again"} {
		if err := c.ClosePinhole(t.Context(), p); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if open := r.Pinholes(); len(open) != 0 {
		t.Errorf("the router lets through to %v afterwards", open)
	}
	if _, err := c.RenewPinhole(t.Context(), p, time.Hour); !errors.Is(err, gateway.ErrNotMapped) {
		t.Errorf("renew what is closed: got %v, want %v", err, gateway.ErrNotMapped)
	}
	if got := r.Asked("GET"); got != 1 {
		t.Errorf("the description was fetched %d times, want once", got)
	}
}

func TestPinholeIsChecked(t *testing.T) {
	fault := func(code int) func(*nattest.Behaviour) {
		return func(b *nattest.Behaviour) { b.Faults = map[string]int{"CheckPinholeWorking": code} }
	}
	for name, c := range map[string]struct {
		behave  func(*nattest.Behaviour)
		renewed int
	}{
		"somebody came through it":      {func(*nattest.Behaviour) {}, 0},
		"nobody came through it":        {func(b *nattest.Behaviour) { b.PinholeUnused = true }, 0},
		"it is said not to work":        {func(b *nattest.Behaviour) { b.PinholeIdle = true }, 1},
		"the router does not know how":  {fault(602), 1},
		"the router knows no such verb": {fault(401), 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, client := discovered6(t, c.behave)
			p, err := client.OpenPinhole(t.Context(), ours6, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := client.CheckPinhole(t.Context(), p, time.Hour); err != nil || got.ID != p.ID {
				t.Errorf("check: got %+v (%v), want %+v", got, err, p)
			}
			if got := r.Asked("UpdatePinhole"); got != c.renewed {
				t.Errorf("renewals: got %d, want %d", got, c.renewed)
			}
			r.Advance(2 * time.Hour)
			if _, err := client.CheckPinhole(t.Context(), p, time.Hour); !errors.Is(err, gateway.ErrNotMapped) {
				t.Errorf("check what has ended: got %v, want %v", err, gateway.ErrNotMapped)
			}
		})
	}
}

func TestPinholeThatIsGone(t *testing.T) {
	for _, code := range []int{704, 402} { // miniupnpd says the second
		_, c := discovered6(t, func(b *nattest.Behaviour) { b.NoPinhole = code })
		p := gateway.Pinhole{Internal: ours6, ID: "7"}
		if _, err := c.RenewPinhole(t.Context(), p, time.Hour); !errors.Is(err, gateway.ErrNotMapped) {
			t.Errorf("renew, answered by %d: got %v, want %v", code, err, gateway.ErrNotMapped)
		}
		if err := c.ClosePinhole(t.Context(), p); err != nil {
			t.Errorf("close, answered by %d: %v", code, err)
		}
	}
}

func TestPinholeIsRefused(t *testing.T) {
	fault := func(code int) func(*nattest.Behaviour) {
		return func(b *nattest.Behaviour) { b.Faults = map[string]int{"AddPinhole": code} }
	}
	for _, c := range []struct {
		name   string
		behave func(*nattest.Behaviour)
		to     netip.AddrPort
		want   error
	}{
		{"by a firewall that is off", func(b *nattest.Behaviour) { b.FirewallOff = true }, ours6, gateway.ErrOpen},
		{"by a firewall that opens for nobody", func(b *nattest.Behaviour) { b.FirewallShut = true }, ours6, gateway.ErrNoPinholes},
		{"by a router without a firewall", func(b *nattest.Behaviour) { b.Services = []nattest.Service{{Type: "WANIPConnection:2"}} },
			ours6, gateway.ErrNoPinholes},
		{"for a low port", func(*nattest.Behaviour) {}, netip.AddrPortFrom(ours6.Addr(), 21), gateway.ErrRefused},
		{"701", fault(701), ours6, gateway.ErrFull},
		{"702", fault(702), ours6, gateway.ErrOpen},
		{"703", fault(703), ours6, gateway.ErrNoPinholes},
		{"704", fault(704), ours6, gateway.ErrNotMapped},
		{"705", fault(705), ours6, gateway.ErrRefused},
		{"706", fault(706), ours6, gateway.ErrRefused},
		{"707", fault(707), ours6, gateway.ErrRefused},
		{"708", fault(708), ours6, gateway.ErrRefused},
		{"709", fault(709), ours6, gateway.ErrRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, client := discovered6(t, c.behave)
			client.cfg.Wait = time.Second
			_, err := client.OpenPinhole(t.Context(), c.to, time.Hour)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if open := r.Pinholes(); len(open) != 0 {
				t.Errorf("the router lets through to %v", open)
			}
		})
	}
}

func TestPinholeToNowhere(t *testing.T) {
	r, c := discovered6(t, func(*nattest.Behaviour) {})
	for _, to := range []string{"192.168.77.10:50000", "[::ffff:192.168.77.10]:50000", "[::]:50000", "[::1]:0"} {
		if _, err := c.OpenPinhole(t.Context(), netip.MustParseAddrPort(to), time.Hour); err == nil {
			t.Errorf("a pinhole to %s was opened", to)
		}
	}
	if got := r.Requests(); got != 0 {
		t.Errorf("the router was asked %d times, want never", got)
	}
}

func TestPinholeLivesADayAtMost(t *testing.T) {
	_, c := discovered6(t, func(*nattest.Behaviour) {})
	for _, asked := range []time.Duration{0, 30 * 24 * time.Hour} {
		if p, err := c.OpenPinhole(t.Context(), ours6, asked); err != nil || p.Lifetime != 24*time.Hour {
			t.Errorf("asked for %v, got %v (%v), want a day", asked, p.Lifetime, err)
		}
	}
}

func TestPinholeAfterARestartOfTheRouter(t *testing.T) {
	r, c := discovered6(t, func(*nattest.Behaviour) {})
	p, err := c.OpenPinhole(t.Context(), ours6, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r.Reboot(t)
	if _, err := c.RenewPinhole(t.Context(), p, time.Hour); !errors.Is(err, gateway.ErrGone) {
		t.Errorf("renew on the old port: got %v, want %v", err, gateway.ErrGone)
	}
	if _, err := c.RenewPinhole(t.Context(), p, time.Hour); !errors.Is(err, gateway.ErrNotMapped) {
		t.Errorf("renew on the new port: got %v, want %v", err, gateway.ErrNotMapped)
	}
}

// A router that is not found by IPv6 is asked by IPv4, where it describes a
// firewall. One that insists on the pinhole's own address says so.
func TestPinholeIsAskedForByIPv4WhereThereIsNoOtherWay(t *testing.T) {
	silent := nattest.Start6(t)
	silent.Behave(func(b *nattest.Behaviour) { b.SearchSilent = true })
	r, c := discovered(t, func(b *nattest.Behaviour) { b.Version = 2 })
	c.cfg.Search6, c.cfg.Wait = []netip.AddrPort{silent.Search()}, 50*time.Millisecond
	_, err := c.OpenPinhole(t.Context(), ours6, time.Hour)
	if code(err) != codeNotAuthorized || !errors.Is(err, gateway.ErrNoPinholes) || !strings.Contains(err.Error(), "search by IPv6 from ::1") {
		t.Errorf("got %v, want %v with error %d, and why it was not asked by IPv6", err, gateway.ErrNoPinholes, codeNotAuthorized)
	}
	if got := r.Asked("AddPinhole"); got != 1 {
		t.Errorf("asked %d times, want once", got)
	}
}

func TestPinholeFromAnAddressThatIsNotOurs(t *testing.T) {
	_, c := discovered(t, func(*nattest.Behaviour) {})
	_, err := c.OpenPinhole(t.Context(), netip.MustParseAddrPort("[2001:db8::1]:50000"), time.Hour)
	if !errors.Is(err, gateway.ErrNoPinholes) || !strings.Contains(err.Error(), "no network interface has the address 2001:db8::1") {
		t.Errorf("got %v, want %v that says why", err, gateway.ErrNoPinholes)
	}
}
