package conf

import (
	"fmt"
	"strings"
)

// node is a value as it was written, wherever that was. Scalars stay the text
// that they were written as: a password of 0123 is those four characters, and no
// YAML number.
type node struct {
	kind  kind
	text  string
	items []*node
	pairs []pair
	at    place
}

// pair is a key of a mapping with its value.
type pair struct {
	key   string
	at    place
	value *node
}

// add appends a key with a text to the mapping n.
func (n *node) add(key, text string, at place) {
	n.pairs = append(n.pairs, pair{key, at, &node{kind: scalar, text: text, at: at}})
}

type kind int

const (
	null kind = iota
	scalar
	sequence
	mapping
	// unknown is what was noted as a mistake already.
	unknown
)

// String is k as the operator would say it.
func (k kind) String() string {
	return [...]string{"empty", "one value", "a list", "a group of keys", "unknown"}[k]
}

// list is n as a list: its items, or its text cut at the commas, which is how a
// list is written in the environment. Brackets around the text are allowed, so
// that "[]" is a list of none.
func (n *node) list() []*node {
	if n.kind != scalar {
		if n.kind == sequence {
			return n.items
		}
		return []*node{n}
	}
	s := strings.TrimSpace(n.text)
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSpace(strings.TrimSuffix(inner, "]"))
		if s == "" {
			return nil
		}
	}
	var items []*node
	for item := range strings.SplitSeq(s, ",") {
		items = append(items, &node{kind: scalar, text: strings.TrimSpace(item), at: n.at})
	}
	return items
}

// place is where something was written.
type place struct {
	// source is a file, "environment NAME", "flag --name" or "default".
	source string
	// line and column count from 1; zero outside files.
	line, column int
}

// origin is p to the line.
func (p place) origin() string {
	if p.line == 0 {
		return p.source
	}
	return fmt.Sprintf("%s:%d", p.source, p.line)
}

// String is p to the column.
func (p place) String() string {
	if p.line == 0 {
		return p.source
	}
	return fmt.Sprintf("%s:%d:%d", p.source, p.line, p.column)
}
