package control

import (
	"io/fs"
	"strconv"
	"time"

	"natftpd/driver"
)

// How one file is described: as a line of LIST, for people and for clients that
// read them, and as the facts of MLSD and MLST, for clients alone.

// recent is how old a file may be for its time of day to be listed instead of
// its year, as ls does.
const recent = 180 * 24 * time.Hour

// appendListLine appends an entry as ls -l has it. Owner and group are nobody's
// business. A time in the future has its year listed, or it would be read as
// one of last year.
func appendListLine(b []byte, e *driver.Entry, name string, now time.Time) []byte {
	b = appendMode(b, e.Mode())
	b = append(b, " 1 ftp      ftp      "...)
	b = appendPadded(b, e.Size(), 12, ' ')
	modified := e.ModTime()
	year, month, day := modified.Date()
	b = append(append(b, ' '), months[3*(month-1):3*month]...)
	b = append(appendPadded(append(b, ' '), int64(day), 2, ' '), ' ')
	if age := now.Sub(modified); age > recent || age < -time.Minute {
		b = appendPadded(append(b, ' '), int64(year), 4, '0')
	} else {
		hour, minute, _ := modified.Clock()
		b = appendTwo(append(appendTwo(b, hour), ':'), minute)
	}
	b = append(append(b, ' '), name...)
	return append(b, "\r\n"...)
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// appendTime appends a time as RFC 3659, section 2.3, has it.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = appendPadded(b, int64(year), 4, '0')
	for _, n := range [...]int{int(month), day, hour, minute, second} {
		b = appendTwo(b, n)
	}
	return b
}

// appendTwo appends n, which is below 100, with two digits.
func appendTwo(b []byte, n int) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

// appendPadded appends n in a column of some width.
func appendPadded(b []byte, n int64, width int, pad byte) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	for range width - len(text) {
		b = append(b, pad)
	}
	return append(b, text...)
}

// appendMode appends type and permissions in the ten characters of ls, which
// are not those of Go's FileMode.
func appendMode(b []byte, m fs.FileMode) []byte {
	kind := byte('-')
	switch {
	case m.IsDir():
		kind = 'd'
	case m&fs.ModeSymlink != 0:
		kind = 'l'
	case m&fs.ModeNamedPipe != 0:
		kind = 'p'
	case m&fs.ModeSocket != 0:
		kind = 's'
	case m&fs.ModeCharDevice != 0:
		kind = 'c'
	case m&fs.ModeDevice != 0:
		kind = 'b'
	}
	b = append(b, kind)
	for i, s := range specials {
		three := m.Perm() >> (6 - 3*i)
		last := "-x"[three&1]
		if m&s.bit != 0 {
			last = s.letters[three&1]
		}
		b = append(b, "-r"[three>>2&1], "-w"[three>>1&1], last)
	}
	return b
}

// specials are the bits above the permissions, each with the letter that it has
// ls show for "not executable" and for "executable", and with its bit of chmod.
var specials = [3]struct {
	bit     fs.FileMode
	letters string
	mode    uint32
}{{fs.ModeSetuid, "Ss", 0o4000}, {fs.ModeSetgid, "Ss", 0o2000}, {fs.ModeSticky, "Tt", 0o1000}}

// The facts of RFC 3659, section 7.5, that a client may choose with OPTS MLST. All
// are on in the beginning.
const (
	factType = iota
	factSize
	factModify
	factPerm
	factUnique
	factMode
)

var factNames = [...]string{factType: "type", factSize: "size", factModify: "modify", factPerm: "perm", factUnique: "unique", factMode: "UNIX.mode"}

// factSet says which of factNames are on, one bit each.
type factSet uint8

const allFacts factSet = 1<<len(factNames) - 1

func (s factSet) has(i int) bool { return s&(1<<i) != 0 }

// appendFacts appends the chosen facts, and a space. kind is the type where the
// entry's place says more than its mode: cdir or pdir; else "".
func appendFacts(b []byte, e *driver.Entry, kind string, access driver.Access, chosen factSet) []byte {
	dir := e.IsDir()
	if kind == "" {
		switch {
		case dir:
			kind = "dir"
		case e.Mode().IsRegular():
			kind = "file"
		case e.Mode()&fs.ModeSymlink != 0:
			kind = "OS.unix=symlink"
		default:
			kind = "OS.unix=special"
		}
	}
	if chosen.has(factType) {
		b = append(append(append(b, "type="...), kind...), ';')
	}
	if chosen.has(factSize) && !dir {
		b = append(strconv.AppendInt(append(b, "size="...), e.Size(), 10), ';')
	}
	if chosen.has(factModify) {
		b = append(appendTime(append(b, "modify="...), e.ModTime()), ';')
	}
	if chosen.has(factPerm) {
		b = append(append(append(b, "perm="...), perm(access, dir)...), ';')
	}
	if id := e.Identity(); chosen.has(factUnique) && id != (driver.Identity{}) {
		// Device and inode (RFC 3659, section 7.5.2).
		b = strconv.AppendUint(append(b, "unique="...), id.Device, 16)
		b = append(strconv.AppendUint(append(b, 'g'), id.Inode, 16), ';')
	}
	if chosen.has(factMode) {
		b = append(appendOctal(append(b, "UNIX.mode="...), unixMode(e.Mode())), ';')
	}
	return append(b, ' ')
}

// perm is what the account may do with an entry (RFC 3659, section 7.5.5), by
// its access alone: the file system may forbid more.
func perm(access driver.Access, dir bool) string {
	switch {
	case access == driver.ReadWrite && dir:
		return "cdeflmp"
	case access == driver.ReadWrite:
		return "adfrw"
	case access == driver.UploadOnly && dir:
		return "celm"
	case access == driver.UploadOnly:
		return ""
	case dir:
		return "el"
	}
	return "r"
}

// unixMode is the mode in the bits of chmod.
func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for _, s := range specials {
		if m&s.bit != 0 {
			mode |= s.mode
		}
	}
	return mode
}

// appendOctal appends the four digits of a mode.
func appendOctal(b []byte, mode uint32) []byte {
	for shift := 9; shift >= 0; shift -= 3 {
		b = append(b, '0'+byte(mode>>shift&7))
	}
	return b
}
