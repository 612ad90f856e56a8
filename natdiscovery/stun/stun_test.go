package stun

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// quick is a Timeout for tests in which something stays silent: the requests go
// out after 0, 100 and 300 ms.
const quick = 600 * time.Millisecond

var seen = netip.MustParseAddrPort("11.22.33.44:5555")

// Message types and attributes of RFC 8489, written out here so that a mistake in
// the code under test can't hide in a shared constant.
const (
	success       = 0x0101
	failure       = 0x0111
	errorCode     = 0x0009
	mapped        = 0x0001
	xorMapped     = 0x0020
	transactionAt = 4
	attributesAt  = 20
)

// answerTo writes a STUN message of the given type that answers request.
func answerTo(request []byte, messageType uint16, attributes ...[]byte) []byte {
	m := binary.BigEndian.AppendUint16(nil, messageType)
	m = append(m, 0, 0)
	m = append(m, request[transactionAt:attributesAt]...)
	for _, a := range attributes {
		m = append(m, a...)
	}
	binary.BigEndian.PutUint16(m[2:], uint16(len(m)-attributesAt))
	return m
}

// attribute writes an attribute whose value needs no padding.
func attribute(kind uint16, value ...byte) []byte {
	a := binary.BigEndian.AppendUint16(nil, kind)
	a = binary.BigEndian.AppendUint16(a, uint16(len(value)))
	return append(a, value...)
}

// plain writes MAPPED-ADDRESS.
func plain(addr netip.AddrPort) []byte {
	value := binary.BigEndian.AppendUint16([]byte{0, 1}, addr.Port())
	return attribute(mapped, append(value, addr.Addr().AsSlice()...)...)
}

// xor writes XOR-MAPPED-ADDRESS.
func xor(addr netip.AddrPort) []byte {
	a := plain(addr)
	a[1] = xorMapped
	for i, b := range []byte{0x21, 0x12, 0x21, 0x12, 0xa4, 0x42} {
		a[6+i] ^= b
	}
	return a
}

// serve answers every datagram that arrives on a new loopback socket with what
// reply makes of it and of its number, and returns the socket's address.
func serve(t *testing.T, reply func(n int, request []byte) [][]byte) string {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for n := 1; ; n++ {
			size, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			for _, datagram := range reply(n, buf[:size]) {
				_, _ = conn.WriteToUDPAddrPort(datagram, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().String()
}

// askOne asks one server and returns its answer.
func askOne(t *testing.T, cfg Config) Answer {
	t.Helper()
	answers := Ask(t.Context(), cfg)
	if len(answers) != 1 {
		t.Fatalf("got %d answers, want 1", len(answers))
	}
	return answers[0]
}

func TestAskReadsTheAnswer(t *testing.T) {
	other := netip.MustParseAddrPort("11.22.99.99:1")
	tests := []struct {
		name  string
		reply func(n int, request []byte) [][]byte
		want  netip.AddrPort
		err   string
	}{
		{"a XOR-MAPPED-ADDRESS is our address", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success, xor(seen))}
		}, seen, ""},
		{"a MAPPED-ADDRESS stands in for it", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success, plain(seen))}
		}, seen, ""},
		{"a MAPPED-ADDRESS beside it is not looked at", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success, plain(other), xor(seen))}
		}, seen, ""},
		{"attributes that nobody knows are skipped", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success, attribute(0xC0DE, 1, 2, 3, 4), xor(seen))}
		}, seen, ""},
		{"garbage before the answer is ignored", func(_ int, r []byte) [][]byte {
			return [][]byte{nil, []byte("HTTP/1.1 200 OK"), answerTo(r, success, xor(seen))[:24], answerTo(r, success, xor(seen))}
		}, seen, ""},
		{"our own request echoed is ignored", func(_ int, r []byte) [][]byte {
			return [][]byte{r, answerTo(r, success, xor(seen))}
		}, seen, ""},
		{"an answer to somebody else's transaction is ignored", func(_ int, r []byte) [][]byte {
			foreign := answerTo(r, success, xor(other))
			foreign[attributesAt-1] ^= 1
			return [][]byte{foreign, answerTo(r, success, xor(seen))}
		}, seen, ""},
		{"an answer larger than a packet is ignored", func(_ int, r []byte) [][]byte {
			large := answerTo(r, success, xor(other), attribute(0xC0DE, make([]byte, 2000)...))
			return [][]byte{large, answerTo(r, success, xor(seen))}
		}, seen, ""},
		{"a lost request is sent again", func(n int, r []byte) [][]byte {
			if n < 3 {
				return nil
			}
			return [][]byte{answerTo(r, success, xor(seen))}
		}, seen, ""},
		{"an error response names its code", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, failure, attribute(errorCode, 0, 0, 4, 20))}
		}, netip.AddrPort{}, "the server refuses with code 420"},
		{"an error response without a code", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, failure)}
		}, netip.AddrPort{}, "the server refuses without a code"},
		{"an answer without an address", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success)}
		}, netip.AddrPort{}, "the answer holds no mapped address"},
		{"an address that is cut off", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success, attribute(xorMapped, 0, 1, 2, 3))}
		}, netip.AddrPort{}, "the answer's XOR-MAPPED-ADDRESS is not an IPv4 address"},
		{"an IPv6 address", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success, attribute(xorMapped, append([]byte{0, 2, 1, 1}, make([]byte, 16)...)...))}
		}, netip.AddrPort{}, "the answer's XOR-MAPPED-ADDRESS is not an IPv4 address"},
		{"an address that is not public", func(_ int, r []byte) [][]byte {
			return [][]byte{answerTo(r, success, xor(netip.MustParseAddrPort("192.168.1.2:3")))}
		}, netip.AddrPort{}, "the server reports 192.168.1.2, no public address: private (RFC 1918)"},
		{"a flood of garbage", func(_ int, _ []byte) [][]byte {
			return make([][]byte, maxDatagrams)
		}, netip.AddrPort{}, "more than 256 datagrams, none of them the answer of SERVER"},
		{"silence", func(_ int, _ []byte) [][]byte {
			return nil
		}, netip.AddrPort{}, "no answer from SERVER"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, tt.reply)
			got := askOne(t, Config{Servers: []string{server}, Timeout: quick})
			if got.Server != server || got.Addr.String() != server {
				t.Errorf("got server %q at %v, want both %s", got.Server, got.Addr, server)
			}
			if got.Reflexive != tt.want {
				t.Errorf("got reflexive address %v, want %v", got.Reflexive, tt.want)
			}
			if (got.Err == nil) == (tt.err != "") {
				t.Fatalf("got error %v, want %q", got.Err, tt.err)
			}
			want := "ask STUN server " + server + ": " + strings.ReplaceAll(tt.err, "SERVER", server)
			if got.Err != nil && got.Err.Error() != want {
				t.Errorf("got error %q, want %q", got.Err, want)
			}
		})
	}
}

func TestAskBelievesOnlyTheAddressAsked(t *testing.T) {
	stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = stranger.WriteToUDPAddrPort(answerTo(buf[:n], success, xor(seen)), from)
		}
	}()
	got := askOne(t, Config{Servers: []string{server.LocalAddr().String()}, Timeout: quick})
	if !errors.Is(got.Err, errSilent) || got.Reflexive.IsValid() {
		t.Errorf("got %v and error %v, want none and %v", got.Reflexive, got.Err, errSilent)
	}
}

func TestAskAsksAllAtOnce(t *testing.T) {
	dead := serve(t, func(int, []byte) [][]byte { return nil })
	alive := serve(t, func(_ int, r []byte) [][]byte { return [][]byte{answerTo(r, success, xor(seen))} })
	// One after the other, the first would use up the time of all.
	answers := Ask(t.Context(), Config{Servers: []string{dead, alive, dead, alive}, Timeout: quick})
	for i, want := range []netip.AddrPort{{}, seen, {}, seen} {
		if got := answers[i].Reflexive; got != want {
			t.Errorf("answer %d: got %v, want %v", i, got, want)
		}
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(int, []byte) [][]byte { cancel(); return nil })
	answers := Ask(ctx, Config{Servers: []string{server}, Timeout: time.Hour})
	if err := answers[0].Err; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func TestExchangeSaysWhyNothingCouldBeSent(t *testing.T) {
	// A connected socket refuses to send to an address, on every system.
	server := netip.MustParseAddrPort(serve(t, func(int, []byte) [][]byte { return nil }))
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = exchange(t.Context(), conn, server, sampleRequest(), time.Millisecond)
	if !errors.Is(err, net.ErrWriteToConnected) {
		t.Errorf("got error %v, want %v", err, net.ErrWriteToConnected)
	}
}

func TestAskResolvesNames(t *testing.T) {
	server := netip.MustParseAddrPort(serve(t, func(_ int, r []byte) [][]byte {
		return [][]byte{answerTo(r, success, xor(seen))}
	}))
	port := server.String()[strings.LastIndex(server.String(), ":"):]
	lookup := func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		switch {
		case network != "ip4":
			return nil, errors.New("asked for " + network)
		case host == "slow.example":
			<-ctx.Done()
			return nil, ctx.Err()
		case host == "six.example":
			return []netip.Addr{netip.MustParseAddr("2001:db8::1")}, nil
		case host == "good.example":
			return []netip.Addr{netip.AddrFrom16(server.Addr().As16())}, nil
		}
		return nil, errors.New("no such host")
	}
	tests := []struct{ name, server, err string }{
		{"a name is looked up", "good.example" + port, ""},
		{"a name that nobody knows", "bad.example" + port, "no such host"},
		{"a name without an IPv4 address", "six.example" + port, "it has no IPv4 address"},
		{"an IPv6 server", "[::1]" + port, "it has no IPv4 address"},
		{"a resolver that hangs", "slow.example" + port, "context deadline exceeded"},
		{"a server without a port", "good.example", "address good.example: missing port in address"},
		{"a port that is none", "good.example:stun", `port "stun": want 1 to 65535`},
		{"port 0", "good.example:0", `port "0": want 1 to 65535`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := askOne(t, Config{Servers: []string{tt.server}, Timeout: quick, Lookup: lookup})
			if tt.err == "" {
				if got.Err != nil || got.Addr != server || got.Reflexive != seen {
					t.Errorf("got %+v, want %v from %v", got, seen, server)
				}
				return
			}
			want := "ask STUN server " + tt.server + ": " + tt.err
			if got.Err == nil || got.Err.Error() != want {
				t.Errorf("got error %v, want %q", got.Err, want)
			}
		})
	}
}
