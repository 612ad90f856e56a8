package upnp

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
)

// printable makes a text of the router's fit for a log line or a terminal:
// short, on one line, without control characters.
func printable(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	runes := []rune(strings.ToValidUTF8(strings.Join(words, " "), "?"))
	return string(runes[:min(len(runes), maxText)])
}

// declaration is the XML declaration, with whatever stands before it.
var declaration = regexp.MustCompile(`(?s)^[^<]*(<\?xml.*?\?>)?`)

// ampersand is an ampersand, with the entity that it begins, if any.
var ampersand = regexp.MustCompile(`&((amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)?`)

// tidy mends what routers commonly get wrong in XML, so that a strict decoder
// takes it: bytes before the declaration, encodings that are not what the
// declaration says, control characters, and bare ampersands in descriptions
// that other programs wrote.
func tidy(b []byte) []byte {
	b = bytes.ToValidUTF8(declaration.ReplaceAll(b, nil), []byte("?"))
	b = bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, b)
	return ampersand.ReplaceAllFunc(b, func(entity []byte) []byte {
		if len(entity) == 1 {
			return []byte("&amp;")
		}
		return entity
	})
}
