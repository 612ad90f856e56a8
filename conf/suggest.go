package conf

import (
	"fmt"
	"strings"
)

// suggestKey is what to write instead of a key that does not exist in its scope:
// the closest one there, or else in another section.
func suggestKey[T any](rows []row[T], s scope, key string) string {
	for _, r := range rows {
		if section, last, ok := cutLast(r.name); ok && section+"." != s.section && (last == key || r.name == key) {
			return fmt.Sprintf("write %s below %s:", last, section)
		}
	}
	var here []string
	for _, inside := range keysIn(rows, s.section) {
		head, _, _ := strings.Cut(inside, ".")
		here = append(here, head)
	}
	if best := closest(key, here); best != "" {
		return "write " + best
	}
	return "remove it; natftpd config example prints every key"
}

// cutLast cuts a dotted name at its last dot.
func cutLast(name string) (before, after string, found bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// suggestVariable is what to set instead of a variable that does not exist.
func suggestVariable(rows []row[Config], name string) string {
	known := accountVariables()
	for _, r := range rows {
		if r.each == nil {
			known = append(known, envName(r.name))
		}
	}
	if best := closest(name, known); best != "" {
		return "set " + best
	}
	return "unset it; natftpd config example prints every key"
}

// closest is the candidate that differs least from word; empty if none is close.
func closest(word string, candidates []string) string {
	if len(word) > 100 {
		return "" // No typing mistake.
	}
	best, least := "", (len(strings.TrimPrefix(word, envPrefix))+1)/3+1
	for _, c := range candidates {
		if strings.EqualFold(word, c) {
			return c
		}
		if d := editDistance(word, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// editDistance is the number of letters to insert, delete, replace or swap with
// the next to make a into b (optimal string alignment).
func editDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			if i == 0 || j == 0 {
				d[i][j] = i + j
				continue
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+1)
			if a[i-1] == b[j-1] {
				d[i][j] = d[i-1][j-1]
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
