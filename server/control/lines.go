package control

import "bytes"

// maxLine is the longest command line that we take, without its end: Linux's
// longest path and a verb, and short enough for the library's buffer of 4096.
const maxLine = 4096 - 16

// Telnet's bytes, as far as FTP needs them (RFC 854; RFC 959, section 4.1.3:
// the control connection follows the Telnet protocol, and ABOR comes behind
// IP and the Synch signal).
const (
	telnetWill = 251
	telnetDont = 254
	telnetIAC  = 255
)

// lines cuts the bytes of a control connection into command lines. It hands out
// whole lines only: what a broken connection leaves behind is no command
// ("DELE /a/report" may be the front half of "DELE /a/report-old"). The zero
// value is ready.
type lines struct {
	buf      []byte // received, not yet handed out
	tooLong  bool   // the line under way is past maxLine: drop it
	iac      bool   // the last byte was IAC
	option   bool   // the last bytes were IAC WILL, WONT, DO or DONT
	received int    // bytes dropped of the line that is too long
}

// lineState says what next found.
type lineState int

const (
	lineNone    lineState = iota // no whole line yet
	lineOK                       // a line
	lineTooLong                  // a line that is past maxLine; it was dropped
)

// add takes received bytes, without the Telnet commands among them. It grows by
// one line and one read at the most, for next drops what can't become a line.
func (l *lines) add(p []byte) {
	for _, b := range p {
		switch {
		case l.option: // the option's name
			l.option = false
		case l.iac && b == telnetIAC: // a doubled IAC is the byte itself
			l.iac = false
			l.buf = append(l.buf, b)
		case l.iac:
			l.iac = false
			l.option = b >= telnetWill && b <= telnetDont
		case b == telnetIAC:
			l.iac = true
		default:
			l.buf = append(l.buf, b)
		}
	}
}

// next hands out the next line without its end. LF alone ends a line too, as in
// every server: people type commands into netcat.
func (l *lines) next() (string, lineState) {
	end := bytes.IndexByte(l.buf, '\n')
	if end < 0 {
		if len(l.buf) > maxLine {
			l.tooLong = true
			l.received += len(l.buf)
			l.buf = l.buf[:0]
		}
		return "", lineNone
	}
	line := bytes.TrimSuffix(l.buf[:end], []byte{'\r'})
	long := l.tooLong || len(line) > maxLine
	text := ""
	if !long {
		text = string(line)
	}
	l.buf = l.buf[:copy(l.buf, l.buf[end+1:])]
	if len(l.buf) == 0 {
		l.buf = nil // an idle session keeps nothing
	}
	if long {
		l.tooLong, l.received = false, 0
		return "", lineTooLong
	}
	return text, lineOK
}

// dropped is how much of one endless line was thrown away.
func (l *lines) dropped() int { return l.received }
