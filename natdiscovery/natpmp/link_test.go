package natpmp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

func TestDiscoverFindsAGatewayThatAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		behave func(*nattest.MapperBehaviour)
		want   error
	}{
		{"at once", func(*nattest.MapperBehaviour) {}, nil},
		{"after two requests were lost", func(b *nattest.MapperBehaviour) { b.Lose = 2 }, nil},
		{"with bytes that follow", func(b *nattest.MapperBehaviour) { b.Trailing = []byte("more") }, nil},
		{"after noise", func(b *nattest.MapperBehaviour) {
			b.Noise = [][]byte{{}, []byte("\x00"), []byte("\x00\x80\x00\x00"), make([]byte, 1500)}
		}, nil},
		{"without an external address", func(b *nattest.MapperBehaviour) {
			b.Results = map[string]int{"NAT-PMP address": 3}
		}, nil},
		{"with a refusal", func(b *nattest.MapperBehaviour) {
			b.Results = map[string]int{"NAT-PMP address": 2}
		}, gateway.ErrRefused},
		{"in PCP alone", func(b *nattest.MapperBehaviour) { b.NoNATPMP = true }, gateway.ErrNotFound},
		{"nothing", func(b *nattest.MapperBehaviour) { b.Silent = true }, gateway.ErrNotFound},
		{"noise alone", func(b *nattest.MapperBehaviour) {
			b.Silent, b.Noise = true, [][]byte{[]byte("\x00\x80\x00\x00\x00\x00")}
		}, gateway.ErrNotFound},
		{"from another port", func(b *nattest.MapperBehaviour) {
			b.AnswerFrom = netip.MustParseAddr("127.0.0.1")
		}, gateway.ErrNotFound},
		{"from another address", func(b *nattest.MapperBehaviour) {
			b.AnswerFrom = netip.MustParseAddr("127.0.0.2")
		}, gateway.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := nattest.StartMapper(t, nattest.Start(t))
			m.Behave(c.behave)
			client, err := Discover(t.Context(), config(m))
			if !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, gateway.ErrNotFound) {
				t.Errorf("got error %v, want %v", err, c.want)
			}
			if (client != nil) != (c.want == nil) {
				t.Errorf("got client %v", client)
			}
		})
	}
}

func TestAnAnswerForAnotherPortIsNotBelieved(t *testing.T) {
	t.Parallel()
	m := nattest.StartMapper(t, nattest.Start(t))
	c, err := Discover(t.Context(), config(m))
	if err != nil {
		t.Fatal(err)
	}
	m.Behave(func(b *nattest.MapperBehaviour) { b.OtherInternal = true })
	if _, err := c.Map(t.Context(), request(c, 50000)); !errors.Is(err, gateway.ErrGone) {
		t.Errorf("got error %v, want %v", err, gateway.ErrGone)
	}
	if got := m.Asked("NAT-PMP map"); got != requestTries {
		t.Errorf("the gateway was asked %d times, want %d", got, requestTries)
	}
}

func TestASilentGatewayHoldsNobodyForLong(t *testing.T) {
	t.Parallel()
	m := nattest.StartMapper(t, nattest.Start(t))
	m.Silence()
	began := time.Now()
	if _, err := Discover(t.Context(), config(m)); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, gateway.ErrNotFound)
	}
	// Pauses of 1, 2 and 4 RTO, each shorter by a tenth at most.
	if took := time.Since(began); took < 6*quick {
		t.Errorf("given up after %v, want after about %v", took, 7*quick)
	}
	if got := m.Asked("NAT-PMP address"); got != searchTries {
		t.Errorf("the gateway was asked %d times, want %d", got, searchTries)
	}
}

// closed is a port of loopback that nobody listens on.
func closed(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestAClosedPortIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	at := closed(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := Discover(ctx, Config{Gateway: at.Addr(), Port: at.Port(), RTO: time.Hour})
	if !errors.Is(err, gateway.ErrNotFound) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v at once", err, gateway.ErrNotFound)
	}
}

func TestACancelledSearchIsNotTheGatewaysFault(t *testing.T) {
	t.Parallel()
	m := nattest.StartMapper(t, nattest.Start(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Discover(ctx, config(m)); !errors.Is(err, context.Canceled) || errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("got error %v, want %v alone", err, context.Canceled)
	}
	if got := m.Asked("NAT-PMP address"); got != 0 {
		t.Errorf("the gateway was asked %d times, want none", got)
	}
}

func TestNoGatewayOrNoWayToItIsAnError(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"none":            {},
		"an IPv6 gateway": {Gateway: netip.MustParseAddr("::1")},
		"an address that is not ours": {Gateway: netip.MustParseAddr("127.0.0.1"),
			Local: netip.MustParseAddr("192.0.2.1"), Port: 1},
	} {
		if _, err := Discover(t.Context(), cfg); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%s: got error %v, want %v", name, err, gateway.ErrNotFound)
		}
	}
}
