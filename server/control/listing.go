package control

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"natftpd/driver"
)

const (
	// sortUpTo is how many entries of a directory are sorted by name. A larger
	// one is sent as the disk has it, so that its size costs no memory.
	sortUpTo = 8 << 10
	// maxStat is how many entries STAT lists on the control connection.
	maxStat = 2000
)

// listing is what is to be listed, and how.
type listing struct {
	home   *driver.Home
	dir    string // the folder
	only   string // a pattern that names have to match; "": all
	single *driver.Entry
	name   string // single's, as the client wrote it
	prefix string // before each name: NLST answers with names that can be used as they are
	bare   bool   // line needs names only
	line   func(b []byte, e *driver.Entry, name string) []byte
}

// sheet is what the entries of a listing are gathered on. Its memory goes on to
// the next listing: asked for anew in larger and larger parts, and collected
// again, that of a large folder takes a tenth of the time of its listing.
type sheet struct {
	entries []driver.Entry
	order   []*driver.Entry
}

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// wipe lets go of the entries, and of their names.
func (s *sheet) wipe() {
	clear(s.entries)
	clear(s.order)
	s.entries, s.order = s.entries[:0], s.order[:0]
}

// write writes the listing.
func (l *listing) write(w io.Writer) error {
	if l.single != nil {
		_, err := w.Write(l.line(nil, l.single, l.name))
		return err
	}
	var b []byte
	return l.each(l.bare, func(e *driver.Entry) error {
		b = l.line(b[:0], e, l.prefix+e.Name())
		_, err := w.Write(b)
		return err
	})
}

// each visits the entries: sorted when they are few.
func (l *listing) each(namesOnly bool, visit func(*driver.Entry) error) error {
	dir, err := l.home.OpenDir(l.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	s := sheets.Get().(*sheet)
	defer func() {
		s.wipe()
		sheets.Put(s)
	}()
	for sorted := false; ; {
		var end error
		s.entries, end = dir.Entries(s.entries, namesOnly)
		switch {
		case end != nil && !errors.Is(end, io.EOF):
			return end
		case end == nil && !sorted && len(s.entries) < sortUpTo:
			continue
		}
		for i := range s.entries {
			s.order = append(s.order, &s.entries[i])
		}
		if end != nil && !sorted {
			slices.SortFunc(s.order, func(a, b *driver.Entry) int { return strings.Compare(a.Name(), b.Name()) })
		}
		if err := l.visit(s.order, visit); err != nil || end != nil {
			return err
		}
		sorted = true
		s.wipe()
	}
}

// visit visits those whose names match.
func (l *listing) visit(entries []*driver.Entry, visit func(*driver.Entry) error) error {
	for _, e := range entries {
		if match, _ := path.Match(l.only, e.Name()); l.only != "" && !match {
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// abs is a path of the client's as seen from the home.
func (s *session) abs(p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join("/", s.ctx.Path(), p)
}

// plan finds what an argument of LIST, NLST or STAT means: options first, which
// only ls knows; then a file, a folder, or a pattern for the names of one. What
// exists under the very name is no pattern and no option.
func (s *session) plan(arg string) (*listing, error) {
	info, err := s.home.StatWhole(s.abs(arg))
	for err != nil && strings.HasPrefix(arg, "-") {
		_, arg, _ = strings.Cut(arg, " ")
		arg = strings.TrimLeft(arg, " ")
		info, err = s.home.StatWhole(s.abs(arg))
	}
	l := &listing{home: s.home, dir: s.abs(arg)}
	switch {
	case err == nil && info.IsDir():
		l.prefix = arg
	case err == nil:
		l.single, l.name = driver.EntryOf(info), arg
	case strings.ContainsAny(path.Base(arg), "*?["):
		dir, pattern := path.Split(arg)
		if _, bad := path.Match(pattern, ""); bad != nil {
			return nil, err
		}
		l.dir, l.only, l.prefix = s.abs(dir), pattern, dir
		if err := l.each(true, func(*driver.Entry) error { return errFound }); !errors.Is(err, errFound) {
			return nil, fmt.Errorf("%s: no such file", arg)
		}
	default:
		return nil, err
	}
	if l.prefix != "" && !strings.HasSuffix(l.prefix, "/") {
		l.prefix += "/"
	}
	return l, nil
}

// errFound ends a search.
var errFound = errors.New("found")

// cmdList is LIST: lines as ls has them, of names alone.
func (s *session) cmdList(arg string) {
	l, err := s.plan(arg)
	if err != nil {
		s.refuse(err)
		return
	}
	now := time.Now()
	l.prefix, l.name = "", path.Base(l.name)
	l.line = func(b []byte, e *driver.Entry, name string) []byte { return appendListLine(b, e, name, now) }
	s.list("LIST", arg, l)
}

// cmdNlst is NLST: names for programs, that mean the same file in the next
// command.
func (s *session) cmdNlst(arg string) {
	l, err := s.plan(arg)
	if err != nil {
		s.refuse(err)
		return
	}
	l.bare = true
	l.line = func(b []byte, _ *driver.Entry, name string) []byte { return append(append(b, name...), "\r\n"...) }
	s.list("NLST", arg, l)
}

// cmdMlsd lists facts of what is in a folder, and only in one (RFC 3659,
// section 7).
func (s *session) cmdMlsd(arg string) {
	info, err := s.home.StatWhole(s.abs(arg))
	switch {
	case err != nil:
		s.refuse(err)
		return
	case !info.IsDir():
		s.say(line(501, "MLSD lists folders. Use MLST for a file."))
		return
	}
	access, chosen := s.account.Access, s.facts
	s.list("MLSD", arg, &listing{home: s.home, dir: s.abs(arg), line: func(b []byte, e *driver.Entry, name string) []byte {
		return append(append(appendFacts(b, e, "", access, chosen), name...), "\r\n"...)
	}})
}

// list sends a listing.
func (s *session) list(name, arg string, l *listing) {
	s.transfer(task{text: join(name, arg), listing: l})
}

// cmdMlst tells the facts of one file on the control connection (RFC 3659,
// section 7.2).
func (s *session) cmdMlst(arg string) {
	name := s.abs(arg)
	info, err := s.home.Stat(name)
	if err != nil {
		s.refuse(err)
		return
	}
	kind := ""
	if info.IsDir() && name == path.Clean("/"+s.ctx.Path()) {
		kind = "cdir"
	}
	facts := appendFacts(nil, driver.EntryOf(info), kind, s.account.Access, s.facts)
	s.say(reply{250, []string{"Facts:", string(facts) + name, "End."}})
}

// statPath lists a path on the control connection (RFC 959, section 4.1.3).
func (s *session) statPath(arg string) {
	l, err := s.plan(arg)
	if err != nil {
		s.refuse(err)
		return
	}
	now, code := time.Now(), 212
	out := []string{"Status of " + arg + ":"}
	add := func(e *driver.Entry, name string) {
		out = append(out, strings.TrimSuffix(string(appendListLine(nil, e, name, now)), "\r\n"))
	}
	if l.single != nil {
		code = 213
		add(l.single, path.Base(l.name))
	} else if err := l.each(false, func(e *driver.Entry) error {
		if len(out) > maxStat {
			return fmt.Errorf("more than %d entries, use LIST", maxStat)
		}
		add(e, e.Name())
		return nil
	}); err != nil {
		s.say(line(450, "%s", err))
		return
	}
	s.say(reply{code, append(out, "End of status.")})
}

// optsMlst chooses the facts of MLST and MLSD (RFC 3659, section 7.9).
func (s *session) optsMlst(arg string) {
	s.facts = 0
	chosen := ""
	wanted := strings.Split(strings.ToLower(arg), ";")
	for i, fact := range factNames {
		if slices.Contains(wanted, strings.ToLower(fact)) {
			s.facts |= 1 << i
			chosen += fact + ";"
		}
	}
	s.say(line(200, "MLST OPTS %s", chosen))
}

// featMlst is the line of FEAT that tells the facts, with a star behind those
// that are on.
func (s *session) featMlst() string {
	text := "MLST "
	for i, fact := range factNames {
		text += fact
		if s.facts.has(i) {
			text += "*"
		}
		text += ";"
	}
	return text
}
