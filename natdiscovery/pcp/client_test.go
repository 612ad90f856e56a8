package pcp

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

// quick is a pause long enough for loopback, and short for a test.
const quick = 20 * time.Millisecond

func config(m *nattest.Mapper) Config {
	return Config{Gateway: m.Address().Addr(), Port: m.Address().Port(), RTO: quick, Secret: Secret{1}}
}

// discovered starts a router that behaves like this, and a client of it that is
// patient on a busy machine.
func discovered(t *testing.T, behave func(*nattest.MapperBehaviour)) (*nattest.Mapper, *Client) {
	t.Helper()
	m := nattest.StartMapper(t, nattest.Start(t))
	m.Behave(behave)
	cfg := config(m)
	cfg.RTO = 0
	found, err := Discover(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, ok := found.(*Client)
	if !ok {
		t.Fatalf("Discover found %T, want a client of PCP", found)
	}
	return m, c
}

func both(*nattest.MapperBehaviour) {}

func alone(b *nattest.MapperBehaviour) { b.NoNATPMP = true }

func request(c *Client, port uint16) gateway.Request {
	return gateway.Request{Internal: netip.AddrPortFrom(c.Local(), port), External: port, Lease: time.Hour}
}

// mapped maps a port.
func mapped(t *testing.T, c *Client, port uint16) gateway.Mapping {
	t.Helper()
	m, err := c.Map(t.Context(), request(c, port))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestContract(t *testing.T) {
	for _, router := range []struct {
		name   string
		behave func(*nattest.MapperBehaviour)
	}{
		{"PCP and NAT-PMP", both},
		{"PCP alone", alone},
		{"without PREFER_FAILURE", func(b *nattest.MapperBehaviour) { b.NoPreferFailure = true }},
		{"NO_RESOURCES for what is gone (miniupnpd)", func(b *nattest.MapperBehaviour) { b.Gone = true }},
	} {
		t.Run(router.name, func(t *testing.T) {
			t.Parallel()
			nattest.TestClient(t, func(t *testing.T) (nattest.Gateway, gateway.Client) {
				return discovered(t, router.behave)
			})
		})
	}
}

func TestResultsAreTranslated(t *testing.T) {
	t.Parallel()
	m, c := discovered(t, both)
	for code, want := range map[int]error{
		1: gateway.ErrGone, 2: gateway.ErrRefused, 3: gateway.ErrRefused, 4: gateway.ErrRefused,
		5: gateway.ErrRefused, 6: gateway.ErrRefused, 7: gateway.ErrNoWAN, 8: gateway.ErrFull,
		9: gateway.ErrRefused, 10: gateway.ErrFull, 11: gateway.ErrConflict, 12: gateway.ErrBehindNAT,
		13: gateway.ErrRefused, 99: gateway.ErrRefused,
	} {
		for _, short := range []bool{false, true} {
			m.Behave(func(b *nattest.MapperBehaviour) {
				b.ShortErrors, b.Results = short, map[string]int{"PCP MAP": code}
			})
			_, err := c.Map(t.Context(), request(c, 50000))
			var f *Fault
			if !errors.Is(err, want) || !errors.As(err, &f) || int(f.Code) != code {
				t.Errorf("result %d (in short: %t): got error %v, want %v and the code", code, short, err, want)
			}
		}
	}
}

func TestFaultSaysWhatWasAskedAndTheGatewaysCode(t *testing.T) {
	for _, c := range []struct {
		code Code
		want string
	}{
		{codeCannotProvide, "PCP mapping of TCP port 21: another host has the port, or the rules forbid it: result 11 CANNOT_PROVIDE_EXTERNAL"},
		{77, "PCP mapping of TCP port 21: gateway refuses: result 77 not known"},
	} {
		if got := (&Fault{Request: "PCP mapping of TCP port 21", Code: c.code}).Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestAnotherPortIsGivenBack(t *testing.T) {
	t.Parallel()
	m, c := discovered(t, func(b *nattest.MapperBehaviour) { b.OtherPort = true })
	if _, err := c.Map(t.Context(), request(c, 50000)); !errors.Is(err, gateway.ErrConflict) {
		t.Errorf("got error %v, want %v", err, gateway.ErrConflict)
	}
	if to, ok := m.Mapped(50001); ok {
		t.Errorf("port 50001, which nobody wants, still leads to %v", to)
	}
}

func TestTheGrantedLeaseRules(t *testing.T) {
	t.Parallel()
	m, c := discovered(t, func(b *nattest.MapperBehaviour) { b.LongestLease = 2 * time.Minute })
	if got := mapped(t, c, 50000).Lifetime; got != 2*time.Minute {
		t.Errorf("the lease is %v, want the 2m0s that were granted", got)
	}
	m.Behave(func(b *nattest.MapperBehaviour) { b.NoLease = true })
	if _, err := c.Map(t.Context(), request(c, 50001)); !errors.Is(err, gateway.ErrProtocol) {
		t.Errorf("a lease of no time: got error %v, want %v", err, gateway.ErrProtocol)
	}
}

func TestAMappingIsRenewedAndRemovedAfterARestart(t *testing.T) {
	t.Parallel()
	m, before := discovered(t, both)
	held := mapped(t, before, 50000)

	stranger := config(m)
	stranger.Secret = Secret{}
	c, err := Probe(t.Context(), stranger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Map(t.Context(), held.Request); !errors.Is(err, gateway.ErrRefused) {
		t.Errorf("renewed with another secret: got error %v, want %v", err, gateway.ErrRefused)
	}
	if err := c.Unmap(t.Context(), held); err != nil {
		t.Errorf("removed with another secret: %v", err)
	}
	if _, ok := m.Mapped(50000); !ok {
		t.Fatal("a mapping was removed with another secret")
	}

	again, err := Probe(t.Context(), config(m))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Map(t.Context(), held.Request); err != nil {
		t.Errorf("renewed with the same secret: %v", err)
	}
	if err := again.Unmap(t.Context(), held); err != nil {
		t.Errorf("removed with the same secret: %v", err)
	}
	if to, ok := m.Mapped(50000); ok {
		t.Errorf("the mapping still leads to %v", to)
	}
}

func TestAnAnswerForAnotherMappingIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, behave := range map[string]func(*nattest.MapperBehaviour){
		"another nonce": func(b *nattest.MapperBehaviour) { b.OtherNonce = true },
		"another port":  func(b *nattest.MapperBehaviour) { b.OtherInternal = true },
	} {
		m := nattest.StartMapper(t, nattest.Start(t))
		m.Behave(behave)
		c, err := Probe(t.Context(), config(m))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Map(t.Context(), request(c, 50000)); !errors.Is(err, gateway.ErrGone) {
			t.Errorf("%s: got error %v, want %v", name, err, gateway.ErrGone)
		}
	}
}

func TestALostTableIsNoticedByTheEpoch(t *testing.T) {
	t.Parallel()
	for name, behave := range map[string]func(*nattest.MapperBehaviour){"by NAT-PMP": both, "by PCP": alone} {
		m, c := discovered(t, behave)
		held := mapped(t, c, 50000)
		if got := c.Forgot(); !got.IsZero() {
			t.Fatalf("%s: the gateway forgot at %v, want never", name, got)
		}
		m.Forget()
		if _, err := c.ExternalAddress(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !held.Granted.Before(c.Forgot()) {
			t.Errorf("%s: the gateway forgot at %v, want after %v", name, c.Forgot(), held.Granted)
		}
		if err := c.Check(t.Context(), held); !errors.Is(err, gateway.ErrNotMapped) {
			t.Errorf("%s: Check: got error %v, want %v", name, err, gateway.ErrNotMapped)
		}
		if err := c.Check(t.Context(), mapped(t, c, 50000)); err != nil {
			t.Errorf("%s: Check of a mapping made after the loss: %v", name, err)
		}
	}
}

func TestARefusedRemovalIsNoError(t *testing.T) {
	t.Parallel()
	m, c := discovered(t, both)
	for code, want := range map[int]error{2: nil, 8: nil, 7: gateway.ErrNoWAN} {
		m.Behave(func(b *nattest.MapperBehaviour) { b.Results = map[string]int{"PCP MAP": code} })
		if err := c.Unmap(t.Context(), gateway.Mapping{Request: request(c, 50000)}); !errors.Is(err, want) {
			t.Errorf("result %d: got error %v, want %v", code, err, want)
		}
	}
}

func TestOnlyOurOwnAddressIsAskedFor(t *testing.T) {
	t.Parallel()
	m, c := discovered(t, both)
	other := request(c, 50000)
	other.Internal = netip.MustParseAddrPort("192.168.77.20:50000")
	_, err := c.Map(t.Context(), other)
	for what, err := range map[string]error{"Map": err, "Unmap": c.Unmap(t.Context(), gateway.Mapping{Request: other})} {
		if !errors.Is(err, gateway.ErrRefused) {
			t.Errorf("%s for another host: got error %v, want %v", what, err, gateway.ErrRefused)
		}
	}
	if got := m.Asked("PCP MAP"); got != 0 {
		t.Errorf("the gateway was asked %d times, want none", got)
	}
}
