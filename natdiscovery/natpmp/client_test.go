package natpmp

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
	return Config{Gateway: m.Address().Addr(), Port: m.Address().Port(), RTO: quick}
}

// discovered starts a router, and a client of it that is patient on a busy machine.
func discovered(t *testing.T) (*nattest.Mapper, *Client) {
	t.Helper()
	m := nattest.StartMapper(t, nattest.Start(t))
	cfg := config(m)
	cfg.RTO = 0
	c, err := Discover(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m, c
}

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
	t.Parallel()
	nattest.TestClient(t, func(t *testing.T) (nattest.Gateway, gateway.Client) { return discovered(t) })
}

func TestResultsAreTranslated(t *testing.T) {
	t.Parallel()
	m, c := discovered(t)
	for code, want := range map[int]error{
		1: gateway.ErrGone, 2: gateway.ErrRefused, 3: gateway.ErrNoWAN, 4: gateway.ErrFull, 5: gateway.ErrRefused,
		99: gateway.ErrRefused,
	} {
		for _, short := range []bool{false, true} {
			m.Behave(func(b *nattest.MapperBehaviour) {
				b.ShortErrors, b.Results = short, map[string]int{"NAT-PMP map": code}
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
		{codeRefused, "NAT-PMP mapping of TCP port 21: gateway refuses: result 2, not authorized or refused"},
		{77, "NAT-PMP mapping of TCP port 21: gateway refuses: result 77, not known"},
	} {
		if got := (&Fault{Request: "NAT-PMP mapping of TCP port 21", Code: c.code}).Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestAnotherPortIsGivenBack(t *testing.T) {
	t.Parallel()
	m, c := discovered(t)
	m.Behave(func(b *nattest.MapperBehaviour) { b.OtherPort = true })
	if _, err := c.Map(t.Context(), request(c, 50000)); !errors.Is(err, gateway.ErrConflict) {
		t.Errorf("got error %v, want %v", err, gateway.ErrConflict)
	}
	if to, ok := m.Mapped(50001); ok {
		t.Errorf("port 50001, which nobody wants, still leads to %v", to)
	}
}

func TestTheGrantedLeaseRules(t *testing.T) {
	t.Parallel()
	m, c := discovered(t)
	m.Behave(func(b *nattest.MapperBehaviour) { b.LongestLease = 2 * time.Minute })
	if got := mapped(t, c, 50000).Lifetime; got != 2*time.Minute {
		t.Errorf("the lease is %v, want the 2m0s that were granted", got)
	}
	m.Behave(func(b *nattest.MapperBehaviour) { b.NoLease = true })
	if _, err := c.Map(t.Context(), request(c, 50001)); !errors.Is(err, gateway.ErrProtocol) {
		t.Errorf("a lease of no time: got error %v, want %v", err, gateway.ErrProtocol)
	}
}

func TestExternalAddressMustBeOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		told string
		want error
	}{
		{"192.168.1.3", nil}, // double NAT
		{"100.64.0.7", nil},  // carrier NAT
		{"127.0.0.1", gateway.ErrNoWAN},
		{"0.1.2.3", gateway.ErrNoWAN},
	} {
		r := nattest.Start(t)
		m := nattest.StartMapper(t, r)
		r.SetExternal(netip.MustParseAddr(c.told))
		client, err := Discover(t.Context(), config(m))
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.ExternalAddress(t.Context())
		if !errors.Is(err, c.want) || err == nil && got.String() != c.told {
			t.Errorf("told %s: got %v, error %v, want error %v", c.told, got, err, c.want)
		}
	}
}

func TestALostTableIsNoticedByTheEpoch(t *testing.T) {
	t.Parallel()
	m, c := discovered(t)
	held := mapped(t, c, 50000)
	if got := c.Forgot(); !got.IsZero() {
		t.Fatalf("the gateway forgot at %v, want never", got)
	}
	m.Forget()
	if _, err := c.ExternalAddress(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !held.Granted.Before(c.Forgot()) {
		t.Errorf("the gateway forgot at %v, want after %v", c.Forgot(), held.Granted)
	}
	if err := c.Check(t.Context(), held); !errors.Is(err, gateway.ErrNotMapped) {
		t.Errorf("Check: got error %v, want %v", err, gateway.ErrNotMapped)
	}
	if err := c.Check(t.Context(), mapped(t, c, 50000)); err != nil {
		t.Errorf("Check of a mapping made after the loss: %v", err)
	}
}

func TestARefusedRemovalIsNoError(t *testing.T) {
	t.Parallel()
	m, c := discovered(t)
	for code, want := range map[int]error{2: nil, 4: gateway.ErrFull} {
		m.Behave(func(b *nattest.MapperBehaviour) { b.Results = map[string]int{"NAT-PMP map": code} })
		if err := c.Unmap(t.Context(), gateway.Mapping{Request: request(c, 50000)}); !errors.Is(err, want) {
			t.Errorf("result %d: got error %v, want %v", code, err, want)
		}
	}
}

func TestOnlyOurOwnAddressIsAskedFor(t *testing.T) {
	t.Parallel()
	m, c := discovered(t)
	asked := m.Asked("NAT-PMP map")
	other := request(c, 50000)
	other.Internal = netip.MustParseAddrPort("192.168.77.20:50000")
	_, err := c.Map(t.Context(), other)
	for what, err := range map[string]error{"Map": err, "Unmap": c.Unmap(t.Context(), gateway.Mapping{Request: other})} {
		if !errors.Is(err, gateway.ErrRefused) {
			t.Errorf("%s for another host: got error %v, want %v", what, err, gateway.ErrRefused)
		}
	}
	zero := request(c, 50000)
	zero.External = 0
	if _, err := c.Map(t.Context(), zero); err == nil {
		t.Error("port 0 is mapped, which is every port on some routers")
	}
	if got := m.Asked("NAT-PMP map"); got != asked {
		t.Errorf("the gateway was asked %d times, want none", got-asked)
	}
}
