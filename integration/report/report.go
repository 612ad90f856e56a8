// Package report keeps docs/performance.md: its tables are made by programs, each in a
// section of its own, with what it was measured on and how to measure it again. It
// knows nothing of what is measured.
package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Origin is where figures come from.
type Origin struct {
	Date    time.Time `json:"date"`
	Command string    `json:"command"`
	CPU     string    `json:"cpu"`
	Kernel  string    `json:"kernel"`
	Go      string    `json:"go"`
	// Congestion is the TCP congestion control that connections have where no program
	// chooses another; "": unknown.
	Congestion string `json:"congestion_control,omitempty"`
	// Commit is the tree's; "": unknown.
	Commit string `json:"commit,omitempty"`
}

// Here is this machine, this tree and this moment, for figures that command makes.
func Here(command string) Origin {
	return Origin{
		Date: time.Now().UTC().Truncate(time.Second), Command: command,
		CPU: cpu(), Kernel: kernel(), Go: runtime.Version(), Congestion: congestion(), Commit: commit(),
	}
}

// String is a line of Markdown.
func (o Origin) String() string {
	commit := ""
	if o.Commit != "" {
		commit = ", commit " + o.Commit
	}
	kernel := o.Kernel
	if o.Congestion != "" {
		kernel += " with " + o.Congestion
	}
	return fmt.Sprintf("Measured on %s on %s, %s, %s%s, by `%s`.", o.Date.Format(time.DateOnly), o.CPU, kernel, o.Go, commit, o.Command)
}

// Replace puts text into the section of that name of a Markdown file: between the
// comments <!-- begin NAME --> and <!-- end NAME -->. A section that is not there yet
// is added at the end, and a file that is not there is made.
func Replace(file, name, text string) error {
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	begin, end := fmt.Sprintf("<!-- begin %s -->\n", name), fmt.Sprintf("<!-- end %s -->\n", name)
	before, rest, found := strings.Cut(string(content), begin)
	_, after, ended := strings.Cut(rest, end)
	switch {
	case found != ended:
		return fmt.Errorf("%s: section %s has no end; put %q behind it", file, name, strings.TrimSpace(end))
	case !found && before != "":
		before += "\n"
	}
	return os.WriteFile(file, []byte(before+begin+strings.TrimSpace(text)+"\n"+end+after), 0o644)
}

// Section is what Replace has put there.
func Section(file, name string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(string(content), fmt.Sprintf("<!-- begin %s -->\n", name))
	text, _, ended := strings.Cut(rest, fmt.Sprintf("<!-- end %s -->", name))
	if !found || !ended {
		return "", fmt.Errorf("%s has no section %s", file, name)
	}
	return text, nil
}

// isFigure tells a cell that stands on the right of its column.
var isFigure = regexp.MustCompile(`^([-<≥≤ ]*[0-9].*|-)?$`)

// Table is a table of Markdown. Columns of nothing but figures stand on the right.
func Table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	var rule []string
	for column := range head {
		text := slices.ContainsFunc(rows, func(cells []string) bool { return !isFigure.MatchString(cells[column]) })
		if rule = append(rule, "---:"); text {
			rule[column] = "---"
		}
	}
	line(rule)
	for _, cells := range rows {
		line(cells)
	}
	return b.String()
}

func cpu() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	_, rest, found := strings.Cut(string(text), "model name")
	if err != nil || !found {
		return fmt.Sprintf("%d cores of %s", runtime.NumCPU(), runtime.GOARCH)
	}
	model, _, _ := strings.Cut(rest, "\n")
	return fmt.Sprintf("%d cores of %s", runtime.NumCPU(), strings.Trim(model, "\t :"))
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(text))
}

func congestion() string {
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func commit() string {
	text, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude", "*").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
