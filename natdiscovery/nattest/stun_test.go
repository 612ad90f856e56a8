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
