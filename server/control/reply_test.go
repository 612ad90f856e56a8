package control

import (
	"reflect"
	"strings"
	"testing"
)

func TestParserPutsRepliesTogether(t *testing.T) {
	for _, c := range []struct {
		name   string
		chunks []string
		want   []reply
	}{
		{"one line", []string{"200 OK\r\n"}, []reply{{200, []string{"OK"}}}},
		{"in pieces", []string{"20", "0 O", "K\r", "\n"}, []reply{{200, []string{"OK"}}}},
		{"two in one", []string{"150 a\r\n226 b\r\n"}, []reply{{150, []string{"a"}}, {226, []string{"b"}}}},
		{"many lines", []string{"213-STAT x\r\n", " -rw f\r\n", "213 End\r\n"}, []reply{{213, []string{"STAT x", "-rw f", "End"}}}},
		{"a line inside that looks like the last of another", []string{"211-a\r\n226 b\r\n211 c\r\n"}, []reply{{211, []string{"a", "226 b", "c"}}}},
		{"each line with the code", []string{"250-Computing\r\n250 abc\r\n"}, []reply{{250, []string{"Computing", "abc"}}}},
		{"an empty text", []string{"200 \r\n"}, []reply{{200, []string{""}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p parser
			var got []reply
			for _, chunk := range c.chunks {
				p.feed([]byte(chunk), func(r reply) { got = append(got, r) })
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestReplyBytes(t *testing.T) {
	for want, r := range map[string]reply{
		"200 OK\r\n":                           line(200, "OK"),
		"211-a\r\n b\r\n 226 c\r\n211 end\r\n": {211, []string{"a", "b", "226 c", "end"}},
	} {
		if got := string(r.append(nil)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCleanTakesTheLibraryOutOfARefusal(t *testing.T) {
	for in, want := range map[string]string{
		"550 CD issue: open /x: file does not exist":                      "550 open /x: file does not exist",
		"550 Couldn't delete /CD issue: x: file does not exist":           "550 Couldn't delete /CD issue: x: file does not exist",
		"500 Unhandled internal error: runtime error: index out of range": "451 The server could not do that.",
		"226 CD issue: untouched, since it is no refusal":                 "226 CD issue: untouched, since it is no refusal",
	} {
		var p parser
		p.feed([]byte(in+"\r\n"), func(r reply) {
			if got := strings.TrimSuffix(string(clean(r).append(nil)), "\r\n"); got != want {
				t.Errorf("%q became %q, want %q", in, got, want)
			}
		})
	}
}

// FuzzParser: whatever a library writes, what is passed on is well formed.
func FuzzParser(f *testing.F) {
	f.Add([]byte("213-STAT x\r\n -rw f\r\n213 End\r\n"))
	f.Add([]byte("226 a\r\n\r\n500\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var p parser
		p.feed(in, func(r reply) {
			out := string(r.append(nil))
			lines := strings.SplitAfter(out, "\r\n")
			last := lines[len(lines)-2]
			if code, end, ok := cutCode(last); !ok || !end || code != r.code {
				t.Fatalf("%q does not end a reply %d", last, r.code)
			}
		})
	})
}

func TestAFullDiskIsSaidPlainly(t *testing.T) {
	for text, want := range map[string]string{
		"write /a/b: storage limit exceeded: quota of 1.0 kB is used up": "/a/b: quota of 1.0 kB is used up. Remove something first.",
		"/a: storage limit exceeded: no space left on device":            "/a: no space left on device. Remove something first.",
		"storage limit exceeded":                                         "storage limit exceeded. Remove something first.",
	} {
		if got := full(text).text[0]; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
