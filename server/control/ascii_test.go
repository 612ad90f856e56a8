package control

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTextHasTheLineEndsOfItsPlace(t *testing.T) {
	for _, tt := range []struct{ name, in, network, host string }{
		{"nothing", "", "", ""},
		{"a line of a host", "a\n", "a\r\n", "a\n"},
		{"a line of the network", "a\r\n", "a\r\n", "a\n"},
		{"empty lines", "\n\n\r\n", "\r\n\r\n\r\n", "\n\n\n"},
		{"no end of line", "a", "a", "a"},
		{"CR alone stays", "a\rb\r", "a\rb\r", "a\rb\r"},
		{"of two CR the second belongs to the line end", "a\r\r\n", "a\r\r\n", "a\r\n"},
		{"a CR that a LF does not follow at once", "\ra\n", "\ra\r\n", "\ra\n"},
		{"a long line", strings.Repeat("x", 3*textBuffer) + "\n", strings.Repeat("x", 3*textBuffer) + "\r\n", strings.Repeat("x", 3*textBuffer) + "\n"},
		{"many short lines", strings.Repeat("\n", textBuffer), strings.Repeat("\r\n", textBuffer), strings.Repeat("\n", textBuffer)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for way, pieces := range map[string]func(io.Reader) io.Reader{
				"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "data with its end": iotest.DataErrReader,
			} {
				for want, r := range map[string]io.Reader{
					"to the network " + tt.network: &toNetwork{Reader: bufio.NewReader(pieces(strings.NewReader(tt.in)))},
					"to the host " + tt.host:       &toHost{Reader: bufio.NewReader(pieces(strings.NewReader(tt.in)))},
				} {
					got, err := io.ReadAll(iotest.OneByteReader(r))
					if err != nil || !strings.HasSuffix(want, " "+string(got)) {
						t.Errorf("%s, read byte by byte: %q, %v; want %q", way, got, err, want)
					}
				}
			}
		})
	}
}

func TestTextKeepsErrors(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"to the network": &toNetwork{Reader: bufio.NewReader(iotest.TimeoutReader(strings.NewReader("a\nb")))},
		"to the host":    &toHost{Reader: bufio.NewReader(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("a\r\nb"))))},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := io.ReadAll(r); err != iotest.ErrTimeout {
				t.Errorf("got %v, want %v", err, iotest.ErrTimeout)
			}
		})
	}
}
