package nattest

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

// The sample IPv4 response of RFC 5769, section 2.2, begins its answer with
// this transaction and this attribute.
func TestAnswerIsThatOfRFC5769(t *testing.T) {
	request, err := hex.DecodeString("00010000" + "2112a442" + "b7e7a701bc34d686fa87dfae")
	if err != nil {
		t.Fatal(err)
	}
	s := &STUN{reflexive: netip.MustParseAddrPort("192.0.2.1:32853")}
	got := hex.EncodeToString(s.answer(request, netip.AddrPort{}))
	if want := "0101000c2112a442b7e7a701bc34d686fa87dfae" + "002000080001a147e112a643"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := s.answer(request[:19], netip.AddrPort{}); got != nil {
		t.Errorf("half a request is answered with %x", got)
	}
}

func TestNarrowPathDropsLargePackets(t *testing.T) {
	s := &STUN{reflexive: netip.MustParseAddrPort("11.22.33.44:0")}
	s.MaxSize(100)
	from := netip.MustParseAddrPort("127.0.0.1:4000")
	request := make([]byte, 100-ipv4UDP+1)
	copy(request, "\x00\x01\x00\x00\x21\x12\xa4\x42")
	if s.answer(request[:len(request)-1], from) == nil {
		t.Error("a packet of the size that fits is dropped")
	}
	if got := s.answer(request, from); got != nil {
		t.Errorf("a packet that is a byte larger is answered with %x", got)
	}
}

func TestPortOfTheClientIsTold(t *testing.T) {
	s := &STUN{reflexive: netip.MustParseAddrPort("192.0.2.1:0")}
	request, err := hex.DecodeString("00010000" + "2112a442" + "b7e7a701bc34d686fa87dfae")
	if err != nil {
		t.Fatal(err)
	}
	got := s.answer(request, netip.MustParseAddrPort("127.0.0.1:32853"))
	if want := "002000080001a147e112a643"; hex.EncodeToString(got[20:]) != want {
		t.Errorf("got %x, want %s", got[20:], want)
	}
}
