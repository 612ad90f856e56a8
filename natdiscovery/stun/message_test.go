package stun

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/pion/stun/v3"

	"natftpd/natdiscovery/gateway"
)

// sampleResponse is the sample IPv4 response of RFC 5769, section 2.2.
const sampleResponse = "\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae" +
	"\x80\x22\x00\x0btest vector\x20" +
	"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43" +
	"\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7" +
	"\x80\x28\x00\x04\xc0\x7d\x4c\x96"

// sampleRequest carries the transaction id that sampleResponse answers.
func sampleRequest() *stun.Message {
	return &stun.Message{TransactionID: [stun.TransactionIDSize]byte([]byte(sampleResponse[8:20]))}
}

func TestSampleResponseOfRFC5769(t *testing.T) {
	response, ok := parseResponse([]byte(sampleResponse), sampleRequest())
	if !ok {
		t.Fatal("the sample response is not read")
	}
	got, err := mappedAddress(response)
	if want := netip.MustParseAddrPort("192.0.2.1:32853"); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestRequestIsABindingRequest(t *testing.T) {
	first, err := bindingRequest()
	if err != nil {
		t.Fatal(err)
	}
	// RFC 8489, section 5: type, no attributes, magic cookie.
	if want := []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}; len(first.Raw) != 20 || !bytes.HasPrefix(first.Raw, want) {
		t.Errorf("got % x, want % x and a transaction id", first.Raw, want)
	}
	second, err := bindingRequest()
	if err != nil {
		t.Fatal(err)
	}
	if first.TransactionID == second.TransactionID {
		t.Errorf("two requests share the transaction id % x", first.TransactionID)
	}
}

func TestPaddedRequestFillsAPacket(t *testing.T) {
	for _, size := range []int{smallestPadded, 576, 1348, 1500} {
		m, err := paddedRequest(size)
		if err != nil {
			t.Fatal(err)
		}
		const ipv4UDP = 20 + 8
		if got := len(m.Raw) + ipv4UDP; got != size {
			t.Errorf("got a packet of %d bytes, want %d", got, size)
		}
		// The message has one attribute; type and length are in its header.
		want := []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}
		binary.BigEndian.PutUint16(want[2:], uint16(size-48))
		filled := []byte{0xff, 0xa7, 0, 0}
		binary.BigEndian.PutUint16(filled[2:], uint16(size-52))
		if !bytes.HasPrefix(m.Raw, want) || !bytes.HasPrefix(m.Raw[attributesAt:], filled) {
			t.Errorf("packet of %d bytes: got % x, want % x and % x", size, m.Raw[:24], want, filled)
		}
	}
	first, err := paddedRequest(576)
	if err != nil {
		t.Fatal(err)
	}
	second, err := paddedRequest(576)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Raw[24:], second.Raw[24:]) {
		t.Error("two requests are filled alike: a tunnel could compress them")
	}
}

func FuzzResponse(f *testing.F) {
	request := sampleRequest()
	header := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, request.TransactionID[:]...)
	f.Add([]byte(sampleResponse))
	f.Add(answerTo(header, success, xor(seen)))
	f.Add(answerTo(header, success, plain(seen)))
	f.Add(answerTo(header, success, attribute(xorMapped, 0, 1, 2, 3)))
	f.Add(answerTo(header, failure, attribute(errorCode, 0, 0, 4, 20)))
	f.Add(answerTo(header, success, attribute(0xffa7, 1, 2, 3, 4), xor(seen)))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		response, ok := parseResponse(datagram, request)
		if !ok {
			return
		}
		if !bytes.Equal(datagram[8:20], request.TransactionID[:]) {
			t.Fatalf("believed a response to another transaction: % x", datagram)
		}
		addr, err := reflexiveAddress(response)
		if usable := addr.Addr().Is4() && gateway.Public(addr.Addr()); (err == nil) != usable {
			t.Fatalf("got %v with error %v", addr, err)
		}
	})
}
