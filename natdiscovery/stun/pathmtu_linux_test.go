package stun

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"natftpd/natdiscovery/nattest"
)

// datagram is what an IPv4 packet of this size carries over UDP.
func datagram(packet int) int { return packet - 28 }

func TestPathMTU(t *testing.T) {
	t.Parallel()
	for _, want := range []int{1280, 1492, 1500} {
		t.Run(strconv.Itoa(want), func(t *testing.T) {
			t.Parallel()
			s := nattest.StartSTUN(t, seen)
			s.MaxSize(want)
			got, known, err := PathMTU(t.Context(), Config{Servers: []string{s.Address().String()}}, 1500)
			if got != want || !known || err != nil {
				t.Errorf("got %d, %v, %v, want %d", got, known, err, want)
			}
		})
	}
}

func TestPathMTUCountsRefusalsAsAnswers(t *testing.T) {
	server := serve(t, func(_ int, r []byte) [][]byte {
		if len(r) > attributesAt {
			return [][]byte{answerTo(r, failure, attribute(errorCode, 0, 0, 4, 0))}
		}
		return [][]byte{answerTo(r, success, xor(seen))}
	})
	got, known, err := PathMTU(t.Context(), Config{Servers: []string{server}}, 1400)
	if got != 1400 || !known || err != nil {
		t.Errorf("got %d, %v, %v, want 1400", got, known, err)
	}
}

// strict answers no request with anything in it.
func strict(_ int, r []byte) [][]byte {
	if len(r) > attributesAt {
		return nil
	}
	return [][]byte{answerTo(r, success, xor(seen))}
}

func TestPathMTUTriesTheNextServer(t *testing.T) {
	t.Parallel()
	// Its first request lost, the other server is the slower one: the last.
	slow := serve(t, func(n int, r []byte) [][]byte {
		if n == 1 || len(r) > datagram(1492) {
			return nil
		}
		return [][]byte{answerTo(r, success, xor(seen))}
	})
	got, known, err := PathMTU(t.Context(), Config{Servers: []string{slow, serve(t, strict)}, Timeout: 2 * quick}, 1500)
	if got != 1492 || !known || err != nil {
		t.Errorf("got %d, %v, %v, want 1492", got, known, err)
	}
}

func TestPathMTUIsUnknown(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	dead := func(int, []byte) [][]byte { return nil }
	flood := func(n int, r []byte) [][]byte {
		if len(r) > attributesAt {
			return make([][]byte, maxDatagrams)
		}
		return strict(n, r)
	}
	private := func(_ int, r []byte) [][]byte {
		return [][]byte{answerTo(r, success, xor(netip.MustParseAddrPort("192.168.1.2:3")))}
	}
	tests := []struct {
		name   string
		ctx    context.Context
		server func(int, []byte) [][]byte
		err    string
	}{
		{"padding is not answered", t.Context(), strict, ""},
		{"nobody answers", t.Context(), dead, "measure the path MTU: ask STUN server SERVER: no answer from SERVER"},
		{"the server is not beyond the uplink", t.Context(), private,
			"measure the path MTU: ask STUN server SERVER: the server reports 192.168.1.2, no public address: private (RFC 1918)"},
		{"a flood of garbage", t.Context(), flood,
			"measure the path MTU: ask STUN server SERVER: more than 256 datagrams, none of them the answer of SERVER"},
		{"it is not waited for", cancelled, strict, "measure the path MTU: context canceled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, tt.server)
			got, known, err := PathMTU(tt.ctx, Config{Servers: []string{server}, Timeout: quick}, 1500)
			if got != 0 || known {
				t.Errorf("got %d, %v, want nothing", got, known)
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if want := strings.ReplaceAll(tt.err, "SERVER", server); text != want {
				t.Errorf("got error %q, want %q", text, want)
			}
		})
	}
}

func TestPathMTUNeedsAServer(t *testing.T) {
	_, _, err := PathMTU(t.Context(), Config{}, 1500)
	if want := "measure the path MTU: there is no STUN server to ask"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
}

func TestQuickestServerIsMeasuredFirst(t *testing.T) {
	servers, err := awake([]Answer{{Server: "slow", RTT: 2}, {Server: "dead", Err: errSilent}, {Server: "quick", RTT: 1}})
	if err != nil || len(servers) != 2 || servers[0].Server != "quick" || servers[1].Server != "slow" {
		t.Errorf("got %+v, %v, want the quick and the slow server", servers, err)
	}
}

func TestMaxSegment(t *testing.T) {
	if got, want := MaxSegment(1500), 1460; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}
