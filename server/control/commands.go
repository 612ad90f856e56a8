package control

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The small commands that the front answers.

func (s *session) cmdQuit(string) {
	s.say(line(221, "Goodbye."))
	s.closing = true
}

// cmdType chooses between text and bytes. L 7 is none that we have: there are only
// bytes of eight bits.
func (s *session) cmdType(arg string) {
	switch t := strings.Join(strings.Fields(strings.ToUpper(arg)), " "); t {
	case "A", "A N":
		s.ascii = true
		s.say(line(200, "Type set to ASCII"))
	case "I", "L 8":
		s.ascii = false
		s.say(line(200, "Type set to binary"))
	default:
		s.say(line(504, "Types are A (text) and I (binary)."))
	}
}

// cmdSize: how long a text is on its way nobody knows before (RFC 3659, section 4).
func (s *session) cmdSize(arg string) {
	if s.ascii {
		s.say(line(550, "SIZE is of binary transfers. Use TYPE I first."))
		return
	}
	s.pass("SIZE", arg, nil)
}

// offset is the argument of REST: where to begin (RFC 3659, section 5.3).
var offset = regexp.MustCompile(`^[0-9]{1,18}$`)

func (s *session) cmdRest(arg string) {
	switch {
	case !offset.MatchString(arg):
		s.say(line(501, "REST needs a number of bytes."))
	case s.ascii: // what is byte n of a text depends on its line ends
		s.say(line(501, "REST is for binary transfers. Use TYPE I first."))
	default:
		s.offset, _ = strconv.ParseInt(arg, 10, 64) // at most 18 digits
		s.say(line(350, "OK"))
	}
}

// cmdMkd makes a folder. The reply has the path first, where clients look for it
// (RFC 959, appendix II).
func (s *session) cmdMkd(arg string) {
	s.pass("MKD", arg, func(r reply) reply {
		if path, ok := strings.CutPrefix(r.text[0], "Created dir "); ok && r.code == 257 {
			return line(257, "%s created.", path)
		}
		return s.mend(r)
	})
}

// cmdRnfr and cmdRnto rename. They belong together with nothing in between
// (RFC 959, section 4.1.3), and a failed RNTO ends it.
func (s *session) cmdRnfr(arg string) {
	s.pass("RNFR", arg, func(r reply) reply {
		if s.renaming = r.code == 350; s.renaming {
			return line(350, "RNTO next.")
		}
		return s.mend(r)
	})
}

func (s *session) cmdRnto(arg string) {
	if !s.renaming {
		s.say(line(503, "RNFR first."))
		return
	}
	s.renaming = false
	s.pass("RNTO", arg, nil)
}

func (s *session) cmdHelp(arg string) {
	if name := strings.ToUpper(strings.TrimSpace(arg)); name != "" {
		switch {
		case name == "SITE":
			s.say(siteHelp)
		case s.front.verbs[name] != nil:
			s.say(line(214, "%s is offered.", name))
		default:
			s.say(line(502, "%s is not offered.", name))
		}
		return
	}
	out := reply{214, []string{"Commands:"}}
	for all := slices.Sorted(maps.Keys(s.front.verbs)); len(all) > 0; {
		n := min(10, len(all))
		out.text = append(out.text, strings.Join(all[:n], " "))
		all = all[n:]
	}
	out.text = append(out.text, "End.")
	s.say(out)
}

// cmdFeat lists what goes beyond RFC 959 (RFC 2389).
func (s *session) cmdFeat(string) {
	out := reply{211, []string{"Extensions:"}}
	if s.front.cfg.TLS != nil {
		out.text = append(out.text, "AUTH TLS")
	}
	out.text = append(out.text, "AVBL", "CLNT", "EPRT", "EPSV", s.featHash(), "HOST", "LANG EN*", "MDTM", "MFMT", s.featMlst())
	if s.front.cfg.TLS != nil {
		out.text = append(out.text, "PBSZ", "PROT")
	}
	out.text = append(out.text, "REST STREAM", "SIZE", "TVFS", "UTF8", "XCRC", "XMD5", "XSHA1", "XSHA256", "XSHA512", "End.")
	s.say(out)
}

// cmdOpts chooses among what FEAT lists (RFC 2389, section 4).
func (s *session) cmdOpts(arg string) {
	name, value, _ := strings.Cut(strings.TrimSpace(arg), " ")
	value = strings.TrimSpace(value)
	switch name = strings.ToUpper(name); {
	case name == "MLST":
		s.optsMlst(value)
	case name == "HASH":
		s.optsHash(value)
	case name != "UTF8" && name != "UTF-8":
		s.say(line(501, "Options are those of HASH, MLST and UTF8."))
	case strings.EqualFold(value, "OFF"):
		s.say(line(504, "Names are always UTF-8."))
	default: // ON, NLST, or nothing
		s.say(line(200, "Names are always UTF-8."))
	}
}

// cmdStat tells how things stand (RFC 959, section 4.1.3), also in the middle of
// a transfer, or lists a path.
func (s *session) cmdStat(arg string) {
	if strings.TrimSpace(arg) != "" {
		s.statPath(arg)
		return
	}
	out := reply{211, []string{s.front.cfg.Banner,
		fmt.Sprintf("Connected from %s for %s", s.client, time.Since(s.opened).Truncate(time.Second))}}
	if user := s.entry.User(); user != "" {
		out.text = append(out.text, "Logged in as "+user)
	}
	s.mu.Lock()
	if s.stream != nil {
		out.text = append(out.text, fmt.Sprintf("%s: %d bytes sent, %d received", s.current.shown, s.stream.Sent(), s.stream.Received()))
	}
	s.mu.Unlock()
	out.text = append(out.text, "End of status.")
	s.say(out)
}

// host is HOST's argument: a name or an address of either family (RFC 7151,
// section 3.1).
var host = regexp.MustCompile(`^(?:[0-9A-Za-z_.-]{1,255}|\[[0-9A-Fa-f:.]{2,64}\])$`)

// cmdHost: there is one host, under whatever name it is reached. It comes before
// USER (RFC 7151, section 3.2).
func (s *session) cmdHost(arg string) {
	switch {
	case s.account != nil || s.user != "":
		s.say(line(503, "HOST comes before USER."))
	case !host.MatchString(arg):
		s.say(line(501, "HOST needs a name, or an address; IPv6 in brackets."))
	default:
		s.say(line(220, "%s", s.front.cfg.Banner))
	}
}

// cmdLang: replies are in English (RFC 2640, section 4.1).
func (s *session) cmdLang(arg string) {
	tag, _, _ := strings.Cut(strings.TrimSpace(arg), "-")
	if tag != "" && !strings.EqualFold(tag, "EN") {
		s.say(line(504, "Replies are in English (EN)."))
		return
	}
	s.say(line(200, "Replies are in English."))
}
