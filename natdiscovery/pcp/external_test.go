package pcp

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

// addressIs asks for the external address.
func addressIs(t *testing.T, c *Client, want netip.Addr) {
	t.Helper()
	if got, err := c.ExternalAddress(t.Context()); err != nil || got != want {
		t.Errorf("the external address is %v, error %v, want %v", got, err, want)
	}
}

func TestExternalAddressIsAskedByNATPMPWhereThatIsSpoken(t *testing.T) {
	t.Parallel()
	m, c := discovered(t, both)
	addressIs(t, c, nattest.WAN)
	if got := m.Asked("PCP MAP"); got != 0 {
		t.Errorf("%d mappings were asked for, want none", got)
	}
}

func TestExternalAddressIsLearntFromMappingsByPCPAlone(t *testing.T) {
	t.Parallel()
	m, c := discovered(t, alone)
	asked := func(what string, want int) {
		t.Helper()
		if got := m.Asked("PCP MAP"); got != want {
			t.Errorf("%s: %d MAP requests in all, want %d", what, got, want)
		}
		if got := m.UDPs(); got != 0 {
			t.Errorf("%s: %d UDP ports are left mapped", what, got)
		}
	}
	addressIs(t, c, nattest.WAN)
	asked("by a mapping of its own, which is removed", 2)
	held := mapped(t, c, 50000)
	addressIs(t, c, nattest.WAN)
	asked("by renewing", 4)
	if err := c.Unmap(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	addressIs(t, c, nattest.WAN)
	asked("after the mapping was removed", 7)
	if to, ok := m.Mapped(50000); ok {
		t.Errorf("what was removed leads to %v again", to)
	}
}

func TestExternalAddressMustBeOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		told   string
		result int
		want   error
	}{
		{"none", "0.0.0.0", 0, gateway.ErrNoWAN},
		{"loopback", "127.0.0.1", 0, gateway.ErrNoWAN},
		{"no network", "11.22.0.2", 7, gateway.ErrNoWAN},
		{"a refusal", "11.22.0.2", 2, gateway.ErrRefused},
		{"one behind another router", "192.168.1.3", 0, nil},
	} {
		r := nattest.Start(t)
		m := nattest.StartMapper(t, r)
		r.SetExternal(netip.MustParseAddr(c.told))
		m.Behave(func(b *nattest.MapperBehaviour) { b.NoNATPMP, b.Results = true, map[string]int{"PCP MAP": c.result} })
		client, err := Probe(t.Context(), config(m))
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.ExternalAddress(t.Context())
		if !errors.Is(err, c.want) || err == nil && got.String() != c.told {
			t.Errorf("%s: got %v, error %v, want error %v", c.name, got, err, c.want)
		}
	}
}

func TestIPv6MappingsArePinholes(t *testing.T) {
	t.Parallel()
	r := nattest.Start(t)
	m := nattest.StartMapper(t, r)
	at := m.ListenIPv6(t)
	found, err := Discover(t.Context(), Config{Gateway: at.Addr(), Port: at.Port(), Secret: Secret{1}})
	if err != nil {
		t.Fatal(err)
	}
	c := found.(*Client)
	addressIs(t, c, netip.IPv6Loopback())
	internal := netip.AddrPortFrom(c.Local(), 50000)
	opened, err := c.OpenPinhole(t.Context(), internal, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if opened.Internal != internal || opened.Lifetime != time.Hour {
		t.Errorf("opened %+v, want one to %v for an hour", opened, internal)
	}
	if _, err := c.RenewPinhole(t.Context(), opened, time.Hour); err != nil {
		t.Errorf("RenewPinhole: %v", err)
	}
	if holes := r.Pinholes(); len(holes) != 1 || holes[0].Internal != internal {
		t.Errorf("the pinholes are %v, want one to %v", holes, internal)
	}
	for range 2 {
		if err := c.ClosePinhole(t.Context(), opened); err != nil {
			t.Errorf("ClosePinhole: %v", err)
		}
	}
	if holes := r.Pinholes(); len(holes) != 0 {
		t.Errorf("still open: %v", holes)
	}
	m.Behave(func(b *nattest.MapperBehaviour) { b.Results = map[string]int{"PCP ANNOUNCE": 7} })
	if _, err := c.ExternalAddress(t.Context()); !errors.Is(err, gateway.ErrNoWAN) {
		t.Errorf("without a network: got error %v, want %v", err, gateway.ErrNoWAN)
	}
}

func TestAPinholeThatMayNotBeRemovedSoonEnds(t *testing.T) {
	t.Parallel()
	r := nattest.Start(t)
	m := nattest.StartMapper(t, r)
	at := m.ListenIPv6(t)
	c, err := Probe(t.Context(), Config{Gateway: at.Addr(), Port: at.Port(), Secret: Secret{1}})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := c.OpenPinhole(t.Context(), netip.AddrPortFrom(c.Local(), 50000), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	m.Behave(func(b *nattest.MapperBehaviour) { b.NoRemoval, b.LongestLease = true, 2*time.Minute })
	if err := c.ClosePinhole(t.Context(), opened); !errors.Is(err, gateway.ErrEndsSoon) {
		t.Errorf("ClosePinhole: got %v, want %v", err, gateway.ErrEndsSoon)
	}
	r.Advance(2 * time.Minute)
	if holes := r.Pinholes(); len(holes) != 0 {
		t.Errorf("still open after two minutes: %v", holes)
	}
	m.Behave(func(b *nattest.MapperBehaviour) { b.Results = map[string]int{"PCP MAP": 2} })
	if err := c.ClosePinhole(t.Context(), opened); err != nil {
		t.Errorf("ClosePinhole of what is not ours: %v", err)
	}
}

func TestAClientOfIPv4AsksTheIPv6RouterForPinholes(t *testing.T) {
	t.Parallel()
	r := nattest.Start(t)
	m := nattest.StartMapper(t, r)
	cfg := config(m)
	cfg.Gateway6 = m.ListenIPv6(t)
	c, err := Probe(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	internal := netip.AddrPortFrom(netip.IPv6Loopback(), 50000)
	opened, err := c.OpenPinhole(t.Context(), internal, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if holes := r.Pinholes(); len(holes) != 1 || holes[0].Internal != internal {
		t.Errorf("the pinholes are %v, want one to %v", holes, internal)
	}
	m.Forget()
	if _, err := c.CheckPinhole(t.Context(), opened, time.Hour); err != nil || c.Forgot().IsZero() {
		t.Errorf("CheckPinhole after the router lost it: %v, noticed at %v; want it opened, and noticed", err, c.Forgot())
	}
	for range 2 {
		if err := c.ClosePinhole(t.Context(), opened); err != nil {
			t.Errorf("ClosePinhole: %v", err)
		}
	}
	if holes := r.Pinholes(); len(holes) != 0 {
		t.Errorf("still open: %v", holes)
	}
	m.Silence()
	if _, err := c.OpenPinhole(t.Context(), internal, time.Hour); !errors.Is(err, gateway.ErrGone) || errors.Is(err, gateway.ErrNoPinholes) {
		t.Errorf("of a router that went silent: got %v, want %v", err, gateway.ErrGone)
	}
	if _, err := c.OpenPinhole(t.Context(), internal, time.Hour); !errors.Is(err, gateway.ErrNoPinholes) {
		t.Errorf("of a router that stays silent: got %v, want %v", err, gateway.ErrNoPinholes)
	}
}

func TestPinholesAreNotAskedForByIPv4(t *testing.T) {
	t.Parallel()
	_, c := discovered(t, both)
	_, err := c.OpenPinhole(t.Context(), netip.MustParseAddrPort("[2a00::1]:50000"), time.Hour)
	if !errors.Is(err, gateway.ErrNoPinholes) {
		t.Errorf("got error %v, want %v", err, gateway.ErrNoPinholes)
	}
}
