package conf

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// line is one line of YAML, and the path of the value in it, if any.
type line struct{ text, path string }

// Show writes the whole configuration as YAML, with the origin of each value
// behind it. Passwords are not shown.
func (l *Loaded) Show(w io.Writer) error {
	var out bytes.Buffer
	if l.Path != "" {
		fmt.Fprintf(&out, "# file: %s\n", l.Path)
	} else {
		fmt.Fprintln(&out, "# file: none")
	}
	const most = 40 // Longer lines don't push all origins to the right.
	all, width := lines(&l.Config, keys(), ""), 0
	for _, one := range all {
		if n := utf8.RuneCountInString(one.text); one.path != "" && n <= most {
			width = max(width, n)
		}
	}
	for _, one := range all {
		if one.path == "" {
			fmt.Fprintln(&out, one.text)
			continue
		}
		at := l.at(one.path)
		if at.line > 0 {
			at.source = filepath.Base(at.source)
		}
		pad := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(one.text)))
		fmt.Fprintf(&out, "%s%s  # %s\n", one.text, pad, at.origin())
	}
	_, err := w.Write(out.Bytes())
	return err
}

// lines shows t by the rows.
func lines[T any](t *T, rows []row[T], path string) []line {
	var all []line
	section := ""
	for _, r := range rows {
		before, key, inside := cutLast(r.name)
		if inside && before != section {
			section = before
			all = append(all, line{text: section + ":"})
		}
		indent := ""
		if inside {
			indent = "  "
		}
		all = append(all, r.lines(t, indent, key, path+r.name)...)
	}
	return all
}

func (r row[T]) lines(t *T, indent, key, path string) []line {
	if r.each == nil {
		switch shown := r.show(t); {
		case r.secret && shown == "":
			return nil
		case r.secret:
			// A comment, so that nobody's password becomes "set" when the
			// output is used as a file.
			return []line{{indent + "# " + key + ": " + shown, path}}
		}
		return []line{{indent + key + ": " + r.show(t), path}}
	}
	entries := r.each(t, path)
	if len(entries) == 0 {
		return []line{{indent + key + ": []", path}}
	}
	all := []line{{text: indent + key + ":"}}
	for _, entry := range entries {
		bullet := "  - "
		for _, one := range entry {
			all = append(all, line{indent + bullet + one.text, one.path})
			bullet = "    "
		}
	}
	return all
}
