package conf

import (
	"fmt"
	"slices"
	"strings"
)

// scope is what the keys of one mapping begin with.
type scope struct {
	// name is for people: "users." in each user.
	name string
	// path is for finding origins: "users[0]." in the first user.
	path string
	// section is the part that the rows know, too: "ftp." in ftp.
	section string
}

func (s scope) in(section string) scope {
	s.section += section + "."
	return s
}

// fill reads the mapping n into t by the rows.
func fill[T any](t *T, rows []row[T], n *node, l *loader, s scope) {
	whole := s.name + s.section
	if n.kind != mapping && n.kind != null {
		keys := keysIn(rows, s.section)
		write := "write " + strings.Join(keys, ", ") + " below it, each with its value"
		if key, _, found := strings.Cut(n.text, ":"); found && slices.Contains(keys, key) {
			write = "put a space behind " + key + ":" // listen:":2121" is one text
		}
		if n.kind != unknown {
			l.wrong(n.at, strings.TrimSuffix(whole, "."), "is "+n.kind.String()+" where keys belong", write)
		}
		for _, key := range keys {
			l.broken[s.path+s.section+key] = true
		}
		return
	}
	first := map[string]place{}
	for _, p := range n.pairs {
		if before, twice := first[p.key]; twice {
			l.wrong(p.at, whole+p.key, fmt.Sprintf("is written twice, first in line %d", before.line), "keep one of them")
			continue
		}
		first[p.key] = p.at
		fillKey(t, rows, p, l, s)
	}
	for _, r := range rows {
		if _, written := first[r.name]; r.required && !written {
			l.wrong(n.at, s.name+r.name, "is missing", r.write)
			l.broken[s.path+r.name] = true
		}
	}
}

func fillKey[T any](t *T, rows []row[T], p pair, l *loader, s scope) {
	name, path := s.name+s.section+p.key, s.path+s.section+p.key
	i := slices.IndexFunc(rows, func(r row[T]) bool { return r.name == s.section+p.key })
	switch {
	case i < 0 && len(keysIn(rows, s.section+p.key+".")) > 0:
		fill(t, rows, p.value, l, s.in(p.key))
	case i < 0 || strings.Contains(p.key, "."):
		l.wrong(p.at, name, "is no key", suggestKey(rows, s, p.key))
	case p.value.kind == unknown:
		l.broken[path] = true
	case p.value.kind == null && rows[i].each == nil:
		l.wrong(p.value.at, name, "has no value", rows[i].write)
		l.broken[path] = true
	default:
		l.places[path] = p.value.at
		rows[i].read(t, p.value, l, name, path)
	}
}

// keysIn is the keys below a section of the rows, which ends with a dot or is empty.
func keysIn[T any](rows []row[T], section string) []string {
	var keys []string
	for _, r := range rows {
		if key, ok := strings.CutPrefix(r.name, section); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
