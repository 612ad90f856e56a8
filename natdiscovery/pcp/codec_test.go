package pcp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"natftpd/natdiscovery/natpmp"
)

// octets reads hexadecimal digits in groups.
func octets(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	client4 = netip.MustParseAddr("192.168.77.10")
	client6 = netip.MustParseAddr("2a00:1::10")
	// wanted is TCP port 2121 by port 21.
	wanted = mapping{nonce: nonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, protocol: protocolTCP,
		internal: 2121, external: 21, address: netip.IPv4Unspecified()}
)

// The parts of messages, as sections 7.1, 7.2 and 11.1 draw them.
const (
	from4    = "0000 0000 0000 0000 0000 ffff c0a8 4d0a"
	from6    = "2a00 0001 0000 0000 0000 0000 0000 0010"
	id       = "0102 0304 0506 0708 090a 0b0c"
	any4     = "0000 0000 0000 0000 0000 ffff 0000 0000"
	any6     = "0000 0000 0000 0000 0000 0000 0000 0000"
	wan4     = "0000 0000 0000 0000 0000 ffff 0b16 0002"
	reserved = "0000 0000 0000 0000 0000 0000"
)

func TestRequestsAreLaidOutAsInTheRFC(t *testing.T) {
	hole, removal := wanted, wanted
	hole.external, hole.address = 2121, netip.IPv6Unspecified()
	removal.external = 0
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"ANNOUNCE (section 14.1)", "02 00 0000 00000000" + from4, announceRequest(client4)},
		{"MAP with PREFER_FAILURE (sections 11.1 and 13.2)",
			"02 01 0000 00001c20" + from4 + id + "06 000000 0849 0015" + any4 + "02 00 0000",
			mapRequest(client4, 7200, wanted, preferFailure)},
		{"MAP for IPv6", "02 01 0000 00001c20" + from6 + id + "06 000000 0849 0849" + any6 + "02 00 0000",
			mapRequest(client6, 7200, hole, preferFailure)},
		{"removal (section 15.1)", "02 01 0000 00000000" + from4 + id + "06 000000 0849 0000" + any4,
			mapRequest(client4, 0, removal, nil)},
	} {
		if want := octets(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s:\n got % x\nwant % x", c.name, c.got, want)
		}
	}
}

func TestResponsesAreRead(t *testing.T) {
	assigned := wanted
	assigned.address = netip.MustParseAddr("11.22.0.2")
	refused := wanted
	for _, c := range []struct {
		name    string
		request []byte
		answer  string
		want    response
	}{
		{"ANNOUNCE", announceRequest(client4), "02 80 00 00 00000000 00000102" + reserved,
			response{version: 2, epoch: 258}},
		{"MAP", mapRequest(client4, 7200, wanted, preferFailure),
			"02 81 00 00 00000e10 00000102" + reserved + id + "06 000000 0849 0015" + wan4 + "02 00 0000",
			response{version: 2, lifetime: 3600, epoch: 258, mapping: assigned}},
		{"a refused MAP", mapRequest(client4, 7200, wanted, preferFailure),
			"02 81 00 0b 0000001e 00000102" + reserved + id + "06 000000 0849 0015" + any4 + "02 00 0000",
			response{version: 2, result: codeCannotProvide, lifetime: 30, epoch: 258, mapping: refused}},
		{"a refusal of one header", mapRequest(client4, 7200, wanted, preferFailure),
			"02 81 00 03 00000000 00000102" + reserved,
			response{version: 2, result: codeMalformed, epoch: 258}},
		{"NAT-PMP's refusal (RFC 6886, section 3.5)", announceRequest(client4), "00 80 0001 00000102",
			response{version: 0, result: codeVersion}},
		{"an older PCP's refusal", announceRequest(client4), "01 80 00 01 00000000 00000102" + reserved,
			response{version: 1, result: codeVersion}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := parse(octets(t, c.answer), c.request); !ok || got != c.want {
				t.Errorf("got %+v (%t), want %+v", got, ok, c.want)
			}
		})
	}
}

func TestWhatIsNoResponseIsNotRead(t *testing.T) {
	for _, c := range []struct{ name, answer string }{
		{"nothing", ""},
		{"three bytes", "02 81 00"},
		{"a request", "02 01 00 00 00000e10 00000102" + reserved + id + "06 000000 0849 0015" + wan4},
		{"half a header", "02 81 00 0b 00000e10"},
		{"a header that says yes", "02 81 00 00 00000e10 00000102" + reserved},
		{"an odd length", "02 81 00 00 00000e10 00000102" + reserved + id + "06 000000 0849 0015" + wan4 + "ff"},
		{"too long", "02 81 00 00 00000e10 00000102" + reserved + id + "06 000000 0849 0015" + wan4 + strings.Repeat("00", 1044)},
		{"another opcode", "02 80 00 00 00000000 00000102" + reserved},
		{"another nonce", "02 81 00 00 00000e10 00000102" + reserved + "ff02 0304 0506 0708 090a 0b0c 06 000000 0849 0015" + wan4},
		{"another protocol", "02 81 00 00 00000e10 00000102" + reserved + id + "11 000000 0849 0015" + wan4},
		{"another port", "02 81 00 00 00000e10 00000102" + reserved + id + "06 000000 084a 0015" + wan4},
		{"NAT-PMP that says yes", "00 81 0000 00000102 0849 0015 00000e10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := parse(octets(t, c.answer), mapRequest(client4, 7200, wanted, preferFailure)); ok {
				t.Errorf("got %+v, want nothing", got)
			}
		})
	}
}

// FuzzResponse reads foreign bytes, and writes what was read again: nothing of it
// may have changed.
func FuzzResponse(f *testing.F) {
	f.Add(octets(f, "02 80 00 00 00000000 00000102"+reserved), false)
	f.Add(octets(f, "02 81 00 00 00000e10 00000102"+reserved+id+"06 000000 0849 0015"+wan4+"02 00 0000"), true)
	f.Add(octets(f, "02 81 00 0b 0000001e 00000102"+reserved+id+"06 000000 0849 0015"+any6), true)
	f.Add(octets(f, "00 81 0001 00000102"), true)
	f.Fuzz(func(t *testing.T, b []byte, isMap bool) {
		request := announceRequest(client4)
		if isMap {
			request = mapRequest(client4, 7200, wanted, preferFailure)
		}
		isAnnouncement(b)
		natpmp.IsAnnouncement(b)
		a, ok := parse(b, request)
		if !ok || a.version != version {
			return
		}
		again := []byte{2, request[1] + 128, b[2], byte(a.result)}
		again = binary.BigEndian.AppendUint32(again, a.lifetime)
		again = binary.BigEndian.AppendUint32(again, a.epoch)
		if !bytes.HasPrefix(b, again) {
			t.Errorf("% x was read as % x", b, again)
		}
		if a.mapping == (mapping{}) {
			return
		}
		part := a.mapping.append(nil)
		if !bytes.HasPrefix(b[24:], part[:13]) || !bytes.HasPrefix(b[40:], part[16:]) {
			t.Errorf("% x was read as % x", b[24:], part)
		}
		if got := parseMapping(part); got != a.mapping {
			t.Errorf("%+v was written and read as %+v", a.mapping, got)
		}
	})
}
