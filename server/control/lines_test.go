package control

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// all feeds chunks to lines and returns the lines that come out; "…" stands for
// one that was too long.
func all(l *lines, chunks ...string) []string {
	var got []string
	for _, c := range chunks {
		l.add([]byte(c))
		for {
			text, state := l.next()
			if state == lineNone {
				break
			}
			if state == lineTooLong {
				text = "…"
			}
			got = append(got, text)
		}
	}
	return got
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		name   string
		chunks []string
		want   []string
	}{
		{"a line ends in CRLF", []string{"NOOP\r\n"}, []string{"NOOP"}},
		{"or in LF", []string{"NOOP\nPWD\n"}, []string{"NOOP", "PWD"}},
		{"a line may come in pieces", []string{"NO", "OP\r", "\n"}, []string{"NOOP"}},
		{"half a line is none", []string{"NOOP\r\nDELE /a/report"}, []string{"NOOP"}},
		{"an empty line is one", []string{"\r\n"}, []string{""}},
		{"CR inside a line stays", []string{"a\rb\r\n"}, []string{"a\rb"}},
		{"the longest line", []string{long + "\r\n"}, []string{long}},
		{"one byte longer is refused", []string{long + "x\r\nNOOP\r\n"}, []string{"…", "NOOP"}},
		{"a much longer one in pieces is one refusal", []string{long, long, long + "\r\nNOOP\r\n"}, []string{"…", "NOOP"}},
		{"Telnet options are dropped", []string{"\xff\xfd\x06NOOP\r\n"}, []string{"NOOP"}},
		{"also in pieces", []string{"\xff", "\xfb", "\x01NO\xff", "\xf4OP\r\n"}, []string{"NOOP"}},
		{"a doubled IAC is the byte", []string{"CWD \xff\xff\r\n"}, []string{"CWD \xff"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := all(&lines{}, c.chunks...); !slices.Equal(got, c.want) {
				t.Errorf("got %.60q, want %.60q", got, c.want)
			}
		})
	}
}

// FuzzLines: however the bytes are cut into reads, the same lines come out, none
// is longer than allowed, and nothing is kept that can't become one.
func FuzzLines(f *testing.F) {
	f.Add([]byte("USER a\r\nPASS b\nABOR"), uint8(3))
	f.Add([]byte("\xff\xf4\xff\xf2ABOR\r\n"), uint8(1))
	f.Add(bytes.Repeat([]byte("x"), 2*maxLine), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		var whole, cut lines
		want := all(&whole, string(in))
		var pieces []string
		for p := range slices.Chunk(in, int(size)+1) {
			pieces = append(pieces, string(p))
		}
		got := all(&cut, pieces...)
		if !slices.Equal(got, want) {
			t.Fatalf("got %q in pieces, %q in one", got, want)
		}
		for _, l := range got {
			if len(l) > maxLine || strings.Contains(l, "\n") {
				t.Fatalf("%q is no line", l)
			}
		}
		if len(cut.buf) > maxLine {
			t.Fatalf("%d bytes are kept", len(cut.buf))
		}
	})
}
