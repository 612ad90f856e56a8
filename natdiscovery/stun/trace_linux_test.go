package stun

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"natftpd/natdiscovery/nattest"
)

// told is the control message with the kernel's word of an ICMP error by a router.
func told(origin, kind, code byte, router string) []byte {
	const header = unix.SizeofCmsghdr
	b := make([]byte, unix.CmsgSpace(32))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(32)))
	binary.NativeEndian.PutUint32(b[header-8:], unix.IPPROTO_IP)
	binary.NativeEndian.PutUint32(b[header-4:], unix.IP_RECVERR)
	binary.NativeEndian.PutUint32(b[header:], uint32(unix.EHOSTUNREACH))
	b[header+4], b[header+5], b[header+6] = origin, kind, code
	binary.NativeEndian.PutUint16(b[header+16:], unix.AF_INET)
	copy(b[header+20:], netip.MustParseAddr(router).AsSlice())
	return b
}

func TestTimeExceeded(t *testing.T) {
	const carrier = "100.64.0.1"
	other := told(2, 11, 0, carrier)
	binary.NativeEndian.PutUint32(other[unix.SizeofCmsghdr-4:], unix.IP_TTL)
	six := told(2, 11, 0, carrier)
	binary.NativeEndian.PutUint16(six[unix.SizeofCmsghdr+16:], unix.AF_INET6)
	short := told(2, 11, 0, carrier)
	binary.NativeEndian.PutUint64(short, uint64(unix.CmsgLen(16)))
	for _, tt := range []struct {
		name string
		oob  []byte
		want string
	}{
		{"a router's word", told(2, 11, 0, carrier), carrier},
		{"behind another message", append(other, told(2, 11, 0, carrier)...), carrier},
		{"nothing", nil, ""},
		{"another message", other, ""},
		{"the host is not there", told(2, 3, 1, carrier), ""},
		{"a fragment was lost", told(2, 11, 1, carrier), ""},
		{"this host's own word", told(1, 11, 0, carrier), ""},
		{"nobody's word", told(2, 11, 0, "0.0.0.0"), ""},
		{"a word of ourselves", told(2, 11, 0, "127.0.0.1"), ""},
		{"an address of another family", six, ""},
		{"no address", short, ""},
		{"half a message", told(2, 11, 0, carrier)[:20], ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := timeExceeded(tt.oob)
			want, _ := netip.ParseAddr(tt.want)
			if ok != want.IsValid() || ok && got != want {
				t.Errorf("got %v, %v, want %q", got, ok, tt.want)
			}
		})
	}
}

func FuzzTimeExceeded(f *testing.F) {
	f.Add(told(2, 11, 0, "100.64.0.1"))
	f.Add(append(told(2, 3, 3, "10.0.0.1"), told(2, 11, 0, "10.0.0.1")...))
	f.Fuzz(func(t *testing.T, oob []byte) {
		if got, ok := timeExceeded(oob); ok && !(got.Is4() && got.IsGlobalUnicast()) {
			t.Errorf("%x: got %v", oob, got)
		}
	})
}

func TestQuotes(t *testing.T) {
	ours := []byte("our request")
	for _, tt := range []struct {
		name, quoted string
		want         bool
	}{
		{"the whole datagram", "our request", true},
		{"its beginning", "our", true},
		{"the headers before it only", "", true},
		{"the datagram and more", "our request\x00\x00", true},
		{"another datagram", "his request", false},
	} {
		if got := quotes([]byte(tt.quoted), ours); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAnswerMeansThatTheRequestArrived(t *testing.T) {
	server := nattest.StartSTUN(t, seen).Address()
	if got, err := askHop(t.Context(), server, 1, quick); err != nil || !got.arrived || got.router.IsValid() {
		t.Errorf("got %+v, %v, want its arrival", got, err)
	}
}

func TestTraceIsNotWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Trace(ctx, Config{Servers: []string{"127.0.0.1:9"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
