// Package flame draws where a Go program spends its CPU time, as a flame graph: a
// picture that stands alone, for a page. It knows nothing of what the program does.
package flame

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Stack is a chain of calls that was seen, the outermost first, and how long in all.
type Stack struct {
	Frames []string
	Time   time.Duration
}

// Parse reads what go tool pprof -traces -unit=us prints: stacks, the innermost call
// first, each behind a rule and the first line of each with its time.
func Parse(r io.Reader) ([]Stack, error) {
	var all []Stack
	begun := false // behind a rule
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20) // names of generic functions are long
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "---") {
			begun = true
			continue
		}
		fields := strings.Fields(line)
		if len(fields) == 0 || len(all) == 0 && !begun {
			continue // the head says what the profile is of
		}
		if begun {
			took, err := time.ParseDuration(fields[0])
			if err != nil || len(fields) < 2 {
				return nil, fmt.Errorf("stack begins with %q, want a time and a function", line)
			}
			all, begun, fields = append(all, Stack{Time: took}), false, fields[1:]
		}
		s := &all[len(all)-1]
		s.Frames = append([]string{fields[0]}, s.Frames...)
	}
	return all, lines.Err()
}
