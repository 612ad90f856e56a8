package control

import (
	"regexp"
	"strings"
	"time"
)

// What a client changes of a file besides its content.

// chmod is SITE CHMOD's argument. Without the check the library panics.
var chmod = regexp.MustCompile(`^[0-7]{3,4} .+$`)

var siteHelp = reply{214, []string{"SITE commands:", "CHMOD mode path", "MKDIR path", "UTIME YYYYMMDDhhmm[ss] path", "End."}}

// cmdSite is the door to what FTP has no command for (RFC 959, section 4.1.3).
func (s *session) cmdSite(arg string) {
	name, rest, _ := strings.Cut(arg, " ")
	switch name = strings.ToUpper(name); {
	case name == "CHMOD" && chmod.MatchString(rest), name == "MKDIR" && rest != "":
		s.pass("SITE", name+" "+rest, nil)
	case name == "CHMOD":
		s.say(line(501, "Use SITE CHMOD mode path, for example SITE CHMOD 644 notes.txt."))
	case name == "MKDIR":
		s.say(line(501, "Use SITE MKDIR path."))
	case name == "UTIME":
		s.siteUtime(rest)
	case name == "HELP":
		s.say(siteHelp)
	default:
		s.say(line(504, "SITE commands are CHMOD, MKDIR, UTIME and HELP."))
	}
}

// The two forms that clients have of SITE UTIME; in the second the times are
// those of access, change and creation, and only the change is kept.
var (
	utimeFirst = regexp.MustCompile(`^([0-9]{12}(?:[0-9]{2})?) (.+)$`)
	utimeLast  = regexp.MustCompile(`^(.+) [0-9]{14} ([0-9]{14}) [0-9]{14} UTC$`)
)

func (s *session) siteUtime(arg string) {
	var stamp, name string
	if m := utimeLast.FindStringSubmatch(arg); m != nil {
		name, stamp = m[1], m[2]
	} else if m := utimeFirst.FindStringSubmatch(arg); m != nil {
		stamp, name = m[1], m[2]
	} else {
		s.say(line(501, "Use SITE UTIME YYYYMMDDhhmm[ss] path."))
		return
	}
	if s.setTime(name, stamp) {
		s.say(line(200, "Time set."))
	}
}

// mfmt is MFMT's argument; fractions of a second are let go.
var mfmt = regexp.MustCompile(`^([0-9]{14})(?:\.[0-9]+)? (.+)$`)

// cmdMfmt sets when a file was changed (draft-somers-ftp-mfxx, section 3).
func (s *session) cmdMfmt(arg string) {
	m := mfmt.FindStringSubmatch(arg)
	if m == nil {
		s.say(line(501, "Use MFMT YYYYMMDDhhmmss path."))
		return
	}
	if s.setTime(m[2], m[1]) {
		s.say(line(213, "Modify=%s; %s", m[1], m[2]))
	}
}

// setTime sets the time of a file, or says why not. The stamp is in UTC (RFC
// 3659, section 2.3), with or without seconds. Package os counts nanoseconds from
// 1970: it takes 1601, where Windows begins to count, for 2185.
func (s *session) setTime(name, stamp string) bool {
	when, err := time.Parse("20060102150405"[:len(stamp)], stamp)
	if err != nil || !time.Unix(0, when.UnixNano()).Equal(when) {
		s.say(line(501, "%s is no time that a file can have. Use YYYYMMDDhhmmss.", stamp))
		return false
	}
	if err := s.home.Chtimes(s.abs(name), when, when); err != nil {
		s.refuse(err)
		return false
	}
	return true
}
