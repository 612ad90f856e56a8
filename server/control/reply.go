package control

import (
	"fmt"
	"strconv"
	"strings"
)

// reply is a reply to the client (RFC 959, section 4.2): a code and the text of
// each line.
type reply struct {
	code int
	text []string
}

// line is a reply of one line.
func line(code int, format string, a ...any) reply {
	return reply{code: code, text: []string{fmt.Sprintf(format, a...)}}
}

// append appends the reply as it goes to the client.
func (r reply) append(b []byte) []byte {
	for i, text := range r.text {
		switch {
		case i == len(r.text)-1:
			b = append(strconv.AppendInt(b, int64(r.code), 10), ' ')
		case i == 0:
			b = append(strconv.AppendInt(b, int64(r.code), 10), '-')
		default: // a space, lest a line look like the last (RFC 959, section 4.2)
			b = append(b, ' ')
		}
		b = append(append(b, text...), "\r\n"...)
	}
	return b
}

// parser puts the library's writes together into replies.
type parser struct {
	partial []byte
	code    int
	text    []string
}

// feed takes what the library wrote and calls each for every reply that it
// completes. The library writes line by line, long lines in pieces.
func (p *parser) feed(b []byte, each func(reply)) {
	p.partial = append(p.partial, b...)
	for {
		text, rest, found := strings.Cut(string(p.partial), "\r\n")
		if !found {
			return
		}
		p.partial = p.partial[:copy(p.partial, rest)]
		p.line(text, each)
	}
}

func (p *parser) line(text string, each func(reply)) {
	code, last, ok := cutCode(text)
	switch {
	case p.code == 0 && !ok: // a line of no reply: the library has none such
		return
	case p.code == 0 && !last, p.code != 0 && (!ok || !last || code != p.code):
		if p.code == 0 {
			p.code, text = code, text[4:]
		}
		p.text = append(p.text, strings.TrimPrefix(text, " "))
	default:
		each(reply{code: code, text: append(p.text, text[4:])})
		p.code, p.text = 0, nil
	}
}

// cutCode reads the code at the front of a reply's line.
func cutCode(text string) (code int, last, ok bool) {
	if len(text) < 4 || (text[3] != ' ' && text[3] != '-') {
		return 0, false, false
	}
	for _, c := range text[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		code = code*10 + int(c-'0')
	}
	return code, text[3] == ' ', code >= 100
}

// inside is where in the library's own code an error of CWD happened, in front of
// its text. The client is told what happened, not where.
const inside = "CD issue: "

// clean takes the library's internals out of a refusal.
func clean(r reply) reply {
	if r.code < 400 {
		return r
	}
	out := reply{code: r.code}
	for _, text := range r.text {
		if strings.HasPrefix(text, "Unhandled internal error") {
			return line(451, "The server could not do that.")
		}
		out.text = append(out.text, strings.TrimPrefix(text, inside))
	}
	return out
}
