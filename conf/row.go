package conf

import "fmt"

// row is one key: how it is read into a T and shown. T is Config for the keys of
// the file, and User or AddressOverride for the keys of one entry of a list.
type row[T any] struct {
	name string
	// def is the default, as it would be written in the environment.
	def string
	// write is what to write instead of a mistake.
	write string
	// required keys have no default.
	required bool
	// secret values are never shown; show says only whether there is one.
	secret bool
	// read stores n in t, or tells l what is wrong with it. name is the key for
	// people, path the same with the entry's number, for finding its origin.
	read func(t *T, n *node, l *loader, name, path string)
	// show is the value as YAML on one line; nil for a list of mappings.
	show func(t *T) string
	// each shows the entries of a list of mappings; nil for any other key, which
	// can therefore be written on one line, too, as the environment has it.
	each func(t *T, path string) [][]line
}

// mandatory makes a row whose key must be written.
func (r row[T]) mandatory() row[T] { r.required = true; return r }

// kept makes a row whose value is kept to ourselves.
func (r row[T]) kept() row[T] { r.secret = true; return r }

// one is a key with one value. into makes the text a value; the field changes
// only if that succeeds.
func one[T, V any](name, def, write string, at func(*T) *V, into func(*V, string) error, show func(V) string) row[T] {
	return row[T]{
		name: name, def: def, write: write,
		read: func(t *T, n *node, l *loader, name, path string) {
			if n.kind != scalar {
				l.misplaced(n, name, path, "one value", write)
				return
			}
			v := *at(t)
			if !l.accept(into(&v, n.text), n.at, name, path, write) {
				return
			}
			*at(t) = v
		},
		show: func(t *T) string { return show(*at(t)) },
	}
}

// many is a key with a list of values; one text with commas is a list, too. into
// adds one text to what was made of the ones before.
func many[T, V any](name, def, write string, at func(*T) *V, into func(*V, string) error, show func(V) string) row[T] {
	return row[T]{
		name: name, def: def, write: write,
		read: func(t *T, n *node, l *loader, name, path string) {
			var v V
			whole := true
			for _, item := range n.list() {
				if item.kind != scalar {
					l.misplaced(item, name, path, "one value", write)
					whole = false
					continue
				}
				whole = l.accept(into(&v, item.text), item.at, name, path, write) && whole
			}
			if whole {
				*at(t) = v
			}
		},
		show: func(t *T) string { return show(*at(t)) },
	}
}

// entries is a key with a list of mappings, whose keys have a table of their own.
// Entries are added to those that are there already, broken ones too, so that an
// entry keeps its number.
func entries[T, E any](name, write string, at func(*T) *[]E, fields []row[E]) row[T] {
	return row[T]{
		name: name, write: write,
		read: func(t *T, n *node, l *loader, name, path string) {
			if n.kind != sequence && n.kind != null {
				l.misplaced(n, name, path, "a list", write)
				return
			}
			for _, item := range n.items {
				var e E
				inner := fmt.Sprintf("%s[%d].", path, len(*at(t)))
				l.places[inner] = item.at
				fill(&e, fields, item, l, scope{name: name + ".", path: inner})
				*at(t) = append(*at(t), e)
			}
		},
		each: func(t *T, path string) [][]line {
			var all [][]line
			for i := range *at(t) {
				all = append(all, lines(&(*at(t))[i], fields, fmt.Sprintf("%s[%d].", path, i)))
			}
			return all
		},
	}
}
