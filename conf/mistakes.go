package conf

import (
	"cmp"
	"slices"
	"strings"
)

// Mistakes is the error of a configuration that can't be used: everything that is
// wrong with it, sorted by place.
type Mistakes struct{ List []Mistake }

// Error is one line for each mistake.
func (m *Mistakes) Error() string {
	texts := make([]string, len(m.List))
	for i, mistake := range m.List {
		texts[i] = mistake.String()
	}
	return strings.Join(texts, "\n")
}

// Mistake is one thing that is wrong.
type Mistake struct {
	// Source is the file, "environment NAME" or "flag --name".
	Source string
	// Line and Column count from 1; zero where there are none.
	Line, Column int
	// Key is the key, such as ftp.listen; empty for the file as a whole.
	Key string
	// Problem says what is wrong, Write what to write instead.
	Problem, Write string
}

// String is m as "natftpd.yaml:12:5: ftp.listen: what is wrong; what to write".
func (m Mistake) String() string {
	s := place{m.Source, m.Line, m.Column}.String() + ": "
	if m.Key != "" {
		s += m.Key + ": "
	}
	return s + m.Problem + "; " + m.Write
}

// report collects what is wrong and what is only worth a word.
type report struct {
	mistakes []Mistake
	warnings []string
	// broken holds the paths whose value is not known because of a mistake:
	// comparing them with others would only make noise.
	broken map[string]bool
}

func (r *report) wrong(at place, key, problem, write string) {
	r.mistakes = append(r.mistakes, Mistake{at.source, at.line, at.column, key, problem, write})
}

func (r *report) warn(at place, key, text string) {
	r.warnings = append(r.warnings, at.origin()+": "+key+": "+text)
}

// misplaced notes that n is of a kind that can't be at the path.
func (r *report) misplaced(n *node, key, path, wanted, write string) {
	r.broken[path] = true
	if n.kind != unknown {
		r.wrong(n.at, key, "is "+n.kind.String()+" where "+wanted+" belongs", write)
	}
}

// accept says whether err is nil; otherwise it notes the mistake. write is what to
// write instead unless err knows better.
func (r *report) accept(err error, at place, key, path, write string) bool {
	if err == nil {
		return true
	}
	r.broken[path] = true
	if h, ok := err.(*hinted); ok {
		write = h.write
	}
	r.wrong(at, key, err.Error(), write)
	return false
}

// sound says whether the values at all the paths are known.
func (r *report) sound(paths ...string) bool {
	for _, p := range paths {
		if r.broken[p] {
			return false
		}
	}
	return true
}

// hinted is an error that knows better than its key what to write instead.
type hinted struct {
	error
	write string
}

// sorted is the mistakes in the order in which they are mended: files, then the
// environment and flags, each from top to bottom.
func (r *report) sorted() []Mistake {
	slices.SortStableFunc(r.mistakes, func(a, b Mistake) int {
		return cmp.Or(
			cmp.Compare(min(b.Line, 1), min(a.Line, 1)),
			cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Key, b.Key),
		)
	})
	return r.mistakes
}
