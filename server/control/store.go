package control

import (
	"crypto/rand"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// cmdStou stores under a name that no other file has, and tells it in the words
// of RFC 1123, section 4.1.2.9. A name that the client gives, which RFC 959 does
// not provide for, is its beginning.
func (s *session) cmdStou(arg string) {
	name := arg
	if name == "" {
		name = "upload"
	}
	name += "." + strings.ToLower(rand.Text()[:12]) // 60 bits: nobody draws the same
	s.offset = 0
	s.transfer(task{text: "STOU " + name, name: name, flags: os.O_WRONLY | os.O_CREATE | os.O_EXCL, begun: "FILE: " + name})
}

// allo is ALLO's argument: a size, and the largest record, which is of no use to
// a server that has none (RFC 959, section 4.1.3).
var allo = regexp.MustCompile(`^([0-9]{1,18})(?: [Rr] [0-9]{1,18})?$`)

// cmdAllo says in advance whether an upload of a size would fit.
func (s *session) cmdAllo(arg string) {
	m := allo.FindStringSubmatch(arg)
	if m == nil {
		s.say(line(501, "Use ALLO size."))
		return
	}
	size, _ := strconv.ParseInt(m[1], 10, 64) // at most 18 digits
	s.announced = size
	switch room, err := s.home.GetAvailableSpace(s.ctx.Path()); {
	case err != nil:
		s.say(line(202, "No storage allocation needed."))
	case size > room:
		s.say(line(552, "There is room for %d bytes. Remove something first.", room))
	default:
		s.say(line(200, "There is room for it."))
	}
}

// cmdAvbl tells how many bytes may still be stored
// (draft-peterson-streamlined-ftp-command-extensions, section 4).
func (s *session) cmdAvbl(arg string) {
	room, err := s.home.GetAvailableSpace(s.abs(arg))
	if err != nil {
		s.refuse(err)
		return
	}
	s.say(line(213, "%d", room))
}
