//go:build linux

package integration

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"natftpd/integration/report"
)

// performancePage is where figures are shown. The variable says that a test is to
// write its own into it: make calls and make links do.
const (
	performancePage     = "../docs/performance.md"
	performanceVariable = "WRITE_PERFORMANCE"
)

// callCount is how many system calls an operation took, of so many in one session.
type callCount struct {
	name      string
	times     int
	most, got float64
	calls     map[string]int
}

// tellCalls writes the counts into the page, or else sees that the page tells the same
// operations with the same bounds and keeps within them.
func tellCalls(t *testing.T, all []callCount) {
	t.Helper()
	const section = "calls"
	if os.Getenv(performanceVariable) != "" {
		var rows [][]string
		for _, c := range all {
			rows = append(rows, []string{c.name, fmt.Sprint(c.times), fmt.Sprintf("%.1f", c.got), fmt.Sprintf("%.0f", c.most), c.each()})
		}
		text := report.Table([]string{"operation", "times in a session", "system calls of one", "bound of the test", "which"}, rows)
		if err := report.Replace(performancePage, section, text+"\n"+report.Here("make calls").String()); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := report.Section(performancePage, section)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		told := false
		for line := range strings.Lines(text) {
			var times int
			var got, most float64
			rest, found := strings.CutPrefix(line, "| "+c.name+" |")
			if _, err := fmt.Sscanf(strings.TrimSpace(rest), "%d | %f | %f |", &times, &got, &most); found && err == nil {
				told = times == c.times && most == c.most && got <= most
			}
		}
		if !told {
			t.Errorf("%s does not tell the system calls of a %s as they are: make calls", filepath.Base(performancePage), c.name)
		}
	}
}

// each are the calls of one operation, the most frequent first; what it takes only now
// and then is left out.
func (c callCount) each() string {
	names := slices.SortedFunc(maps.Keys(c.calls), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.calls[b], c.calls[a]), cmp.Compare(a, b))
	})
	var all []string
	for _, name := range names {
		if n := float64(c.calls[name]) / float64(c.times); n >= 0.5 {
			all = append(all, name+" "+strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0"))
		}
	}
	return strings.Join(all, ", ")
}
