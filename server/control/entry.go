package control

import (
	"fmt"
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

// appendListLine appends info as ls -l has it. Owner and group are nobody's
// business. A time in the future has its year listed, or it would be read as
// one of last year.
func appendListLine(b []byte, info fs.FileInfo, name string, now time.Time) []byte {
	b = appendMode(b, info.Mode())
	b = append(b, " 1 ftp      ftp      "...)
	b = appendRight(b, info.Size(), 12)
	modified := info.ModTime()
	layout := " Jan _2 15:04 "
	if age := now.Sub(modified); age > recent || age < -time.Minute {
		layout = " Jan _2  2006 "
	}
	b = modified.AppendFormat(b, layout)
	b = append(b, name...)
	return append(b, "\r\n"...)
}

// appendRight appends n in a column of some width.
func appendRight(b []byte, n int64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	for range width - len(text) {
		b = append(b, ' ')
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
	special := [3]struct {
		bit           fs.FileMode
		with, without byte
	}{{fs.ModeSetuid, 's', 'S'}, {fs.ModeSetgid, 's', 'S'}, {fs.ModeSticky, 't', 'T'}}
	for i, s := range special {
		three := m.Perm() >> (6 - 3*i)
		letters := [3]byte{'-', '-', '-'}
		for j, letter := range "rwx" {
			if three&(4>>j) != 0 {
				letters[j] = byte(letter)
			}
		}
		if m&s.bit != 0 {
			letters[2] = s.without
			if three&1 != 0 {
				letters[2] = s.with
			}
		}
		b = append(b, letters[:]...)
	}
	return b
}

// facts are those of RFC 3659, section 7.5, that a client may choose with
// OPTS MLST. All are on in the beginning.
var factNames = [...]string{"type", "size", "modify", "perm", "unique", "UNIX.mode"}

// factSet says which of factNames are on, one bit each.
type factSet uint8

const allFacts factSet = 1<<len(factNames) - 1

func (s factSet) has(i int) bool { return s&(1<<i) != 0 }

// appendFacts appends the chosen facts, and a space. kind is the type where the
// entry's place says more than its mode: cdir or pdir; else "".
func appendFacts(b []byte, info fs.FileInfo, kind string, access driver.Access, chosen factSet) []byte {
	dir := info.IsDir()
	if kind == "" {
		switch {
		case dir:
			kind = "dir"
		case info.Mode().IsRegular():
			kind = "file"
		case info.Mode()&fs.ModeSymlink != 0:
			kind = "OS.unix=symlink"
		default:
			kind = "OS.unix=special"
		}
	}
	for i, name := range factNames {
		if !chosen.has(i) || name == "size" && dir {
			continue
		}
		var id string
		if name == "unique" {
			if id = unique(info); id == "" {
				continue
			}
		}
		b = append(append(b, name...), '=')
		switch name {
		case "type":
			b = append(b, kind...)
		case "size":
			b = strconv.AppendInt(b, info.Size(), 10)
		case "modify":
			b = info.ModTime().UTC().AppendFormat(b, "20060102150405")
		case "perm":
			b = append(b, perm(access, dir)...)
		case "unique":
			b = append(b, id...)
		case "UNIX.mode":
			b = fmt.Appendf(b, "%04o", unixMode(info.Mode()))
		}
		b = append(b, ';')
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
	for bit, special := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&special != 0 {
			mode |= bit
		}
	}
	return mode
}
