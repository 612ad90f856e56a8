package natpmp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
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

func TestRequestsAreLaidOutAsInTheRFC(t *testing.T) {
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"the external address (section 3.2)", "00 00", addressRequest()},
		{"a mapping (section 3.3)", "00 02 0000 0849 0015 00001c20", mapRequest(2121, 21, 7200)},
		{"a removal (section 3.4)", "00 02 0000 0849 0000 00000000", mapRequest(2121, 0, 0)},
	} {
		if want := octets(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s: got % x, want % x", c.name, c.got, want)
		}
	}
}

func TestAnswersAreRead(t *testing.T) {
	mapping := mapRequest(2121, 21, 7200)
	for _, c := range []struct {
		name    string
		request []byte
		answer  string
		want    answer
	}{
		{"the external address (section 3.2)", addressRequest(), "00 80 0000 00000102 0b160002",
			answer{epoch: 258, address: netip.MustParseAddr("11.22.0.2")}},
		{"a mapping (section 3.3)", mapping, "00 82 0000 00000102 0849 0015 00000e10",
			answer{epoch: 258, internal: 2121, external: 21, lifetime: 3600}},
		{"another port", mapping, "00 82 0000 00000102 0849 c350 00000e10",
			answer{epoch: 258, internal: 2121, external: 50000, lifetime: 3600}},
		{"bytes that follow", mapping, "00 82 0000 00000102 0849 0015 00000e10 ffff",
			answer{epoch: 258, internal: 2121, external: 21, lifetime: 3600}},
		{"a whole error (section 3.5)", mapping, "00 82 0004 00000102 0849 0000 00000000",
			answer{result: codeNoResources, epoch: 258, internal: 2121}},
		{"an error of one header", mapping, "00 82 0005 00000102", answer{result: codeOpcode, epoch: 258}},
		{"another version's refusal (RFC 6887, section 9)", addressRequest(),
			"02 80 00 01 00000000 00000102 000000000000000000000000", answer{version: 2, result: codeVersion}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := parse(octets(t, c.answer), c.request); !ok || got != c.want {
				t.Errorf("got %+v (%t), want %+v", got, ok, c.want)
			}
		})
	}
}

func TestWhatIsNoAnswerIsNotRead(t *testing.T) {
	mapping := mapRequest(2121, 21, 7200)
	for _, c := range []struct {
		name    string
		request []byte
		answer  string
	}{
		{"nothing", addressRequest(), ""},
		{"a request", addressRequest(), "00 00 0000 00000102 0b160002"},
		{"half a header", addressRequest(), "00 80 0000 000001"},
		{"half an address", addressRequest(), "00 80 0000 00000102 0b1600"},
		{"half a mapping", mapping, "00 82 0000 00000102 0849 0015 00000e"},
		{"a mapping of UDP", mapping, "00 81 0000 00000102 0849 0015 00000e10"},
		{"a mapping of another port", mapping, "00 82 0000 00000102 084a 0015 00000e10"},
		{"an address for a mapping", mapping, "00 80 0000 00000102 0b160002"},
		{"another version", addressRequest(), "01 80 0000 00000102 0b160002"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := parse(octets(t, c.answer), c.request); ok {
				t.Errorf("got %+v, want nothing", got)
			}
		})
	}
}

func TestAnnouncementsAreRecognized(t *testing.T) {
	for answer, want := range map[string]bool{
		"00 80 0000 00000000 0b160002":                           true,
		"00 80 0003 00000000 00000000":                           false,
		"00 82 0000 00000000 0849 0015 00000e10":                 false,
		"02 80 00 00 00000000 00000000 000000000000000000000000": false,
		"02 80 00 01 00000000 00000000 000000000000000000000000": false,
		"00 00": false,
	} {
		if got := IsAnnouncement(octets(t, answer)); got != want {
			t.Errorf("IsAnnouncement(%s): got %v, want %v", answer, got, want)
		}
	}
}

func TestLeasesAreCountedInFullSeconds(t *testing.T) {
	for lease, want := range map[time.Duration]uint32{
		0:                       86400,
		-time.Second:            86400,
		time.Nanosecond:         1,
		time.Second:             1,
		1001 * time.Millisecond: 2,
		time.Hour:               3600,
		1000 * time.Hour:        86400,
	} {
		if got := Seconds(lease); got != want {
			t.Errorf("Seconds(%v): got %d, want %d", lease, got, want)
		}
	}
}

// FuzzAnswer reads foreign bytes, and writes what was read again: nothing of it may
// have changed.
func FuzzAnswer(f *testing.F) {
	f.Add(octets(f, "00 80 0000 00000102 0b160002"), false)
	f.Add(octets(f, "00 82 0000 00000102 0849 0015 00000e10 ff"), true)
	f.Add(octets(f, "00 82 0005 00000102"), true)
	f.Add(octets(f, "02 82 00 01 00000000 00000102 000000000000000000000000"), true)
	f.Fuzz(func(t *testing.T, b []byte, mapping bool) {
		request := addressRequest()
		if mapping {
			request = mapRequest(2121, 21, 7200)
		}
		IsAnnouncement(b)
		a, ok := parse(b, request)
		if !ok || a.version != 0 {
			return
		}
		again := []byte{0, request[1] + 128}
		again = binary.BigEndian.AppendUint16(again, uint16(a.result))
		again = binary.BigEndian.AppendUint32(again, a.epoch)
		switch {
		case a.address.IsValid():
			again = append(again, a.address.AsSlice()...)
		case mapping && len(b) >= 16:
			again = binary.BigEndian.AppendUint16(again, a.internal)
			again = binary.BigEndian.AppendUint16(again, a.external)
			again = binary.BigEndian.AppendUint32(again, a.lifetime)
		}
		if !bytes.HasPrefix(b, again) {
			t.Errorf("% x was read as % x", b, again)
		}
	})
}
