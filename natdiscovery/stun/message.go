package stun

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"

	"github.com/pion/stun/v3"

	"natftpd/natdiscovery/gateway"
)

// bindingRequest builds a Binding request whose transaction id nobody can guess
// (RFC 8489, section 5).
func bindingRequest() (*stun.Message, error) {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return nil, fmt.Errorf("make a STUN request: %w", err)
	}
	return m, nil
}

const (
	// padding is an attribute that nobody knows and that every server skips:
	// comprehension-optional, of the range that experts assign without a
	// standard (RFC 8489, sections 14 and 18.3). The PADDING of RFC 5780,
	// section 7.6, may be refused, and is answered with as much.
	padding stun.AttrType = 0xFFA7
	// smallestPadded is an IPv4 packet with an empty padding: headers of IPv4
	// (20), UDP (8), STUN (20) and the attribute (4).
	smallestPadded = 20 + 8 + 20 + 4
)

// paddedRequest builds a Binding request that fills an IPv4 packet of this size,
// a multiple of four: STUN messages are (RFC 8489, section 5). The filling is
// random, because a tunnel that compresses would let any other through.
func paddedRequest(packet int) (*stun.Message, error) {
	filling := make([]byte, packet-smallestPadded)
	rand.Read(filling)
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.RawAttribute{Type: padding, Value: filling})
	if err != nil {
		return nil, fmt.Errorf("make a STUN request of %d bytes: %w", packet, err)
	}
	return m, nil
}

// parseResponse reads a datagram. ok says that it is a STUN response to request;
// anything else on the socket is a stranger's.
func parseResponse(datagram []byte, request *stun.Message) (m *stun.Message, ok bool) {
	m = new(stun.Message)
	if stun.Decode(datagram, m) != nil || m.TransactionID != request.TransactionID {
		return nil, false
	}
	return m, m.Type == stun.BindingSuccess || m.Type == stun.BindingError
}

// reflexiveAddress is what a response says of our address, if that can be true.
func reflexiveAddress(response *stun.Message) (netip.AddrPort, error) {
	if response.Type == stun.BindingError {
		// The reason phrase is a stranger's text: the number tells enough.
		var code stun.ErrorCodeAttribute
		if code.GetFrom(response) != nil {
			return netip.AddrPort{}, errors.New("the server refuses without a code")
		}
		return netip.AddrPort{}, fmt.Errorf("the server refuses with code %d", code.Code)
	}
	addr, err := mappedAddress(response)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if purpose := gateway.Special(addr.Addr()); purpose != "" {
		return netip.AddrPort{}, fmt.Errorf("the server reports %v, no public address: %s", addr.Addr(), purpose)
	}
	return addr, nil
}

// An IPv4 address attribute: a zero, the family, the port, the address (RFC 8489,
// sections 14.1 and 14.2).
const (
	mappedIPv4Length = 8
	familyIPv4       = 0x01
)

// mappedAddress reads XOR-MAPPED-ADDRESS. MAPPED-ADDRESS counts only where the
// former is absent: routers that rewrite addresses in payloads falsify it
// (RFC 8489, section 14.2).
func mappedAddress(response *stun.Message) (netip.AddrPort, error) {
	attribute := stun.AttrXORMappedAddress
	if !response.Contains(attribute) {
		attribute = stun.AttrMappedAddress
	}
	value, err := response.Get(attribute)
	if err != nil {
		return netip.AddrPort{}, errors.New("the answer holds no mapped address")
	}
	// pion fills a value that is too short with zeros.
	if len(value) != mappedIPv4Length || value[1] != familyIPv4 {
		return netip.AddrPort{}, fmt.Errorf("the answer's %v is not an IPv4 address", attribute)
	}
	if attribute == stun.AttrMappedAddress {
		var plain stun.MappedAddress
		err = plain.GetFrom(response)
		return addrPort(plain.IP, plain.Port), err
	}
	var masked stun.XORMappedAddress
	err = masked.GetFrom(response)
	return addrPort(masked.IP, masked.Port), err
}

// addrPort turns pion's address into ours. The zero AddrPort: ip is none.
func addrPort(ip []byte, port int) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port))
}
