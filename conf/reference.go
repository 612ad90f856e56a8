package conf

import (
	"fmt"
	"strings"
)

const introduction = `# Configuration

natftpd reads the file that ` + "`--config` or `$NATFTPD_CONFIG`" + ` names, else ` + "`./natftpd.yaml`" + `, else the one in your configuration
folder (` + "`~/.config/natftpd/natftpd.yaml`), else `/etc/natftpd/natftpd.yaml`" + `. Environment variables win over the file.
` + "`natftpd config check`" + ` finds every mistake at once, ` + "`natftpd config show`" + ` prints what is in force and where each value came
from, ` + "`natftpd config example`" + ` prints the file that this page is made of.

A change of the file holds at once, without ending a session that it does not concern: natftpd notices it, or is told by
SIGHUP. A file with a mistake changes nothing, and the log says why. These keys wait for the next start: ` + "`status.listen`,\n`status.password`, `log.format`, `state_dir`" + `. Sessions keep the time-outs, TLS and active mode that they began with.
`

// Reference is a page on every key, in Markdown: what it is for, as the sample file
// says it, its default, what to write, and the variable that sets it.
func Reference() string {
	var b strings.Builder
	about := explanations(example)
	section, last := "", ""
	b.WriteString(introduction)
	for _, r := range keys() {
		before, key, inside := cutLast(r.name)
		if !inside {
			before = r.name
		}
		if before != section {
			section = before
			fmt.Fprintf(&b, "\n## %s\n", section)
		}
		if inside {
			fmt.Fprintf(&b, "\n### %s\n", key)
		}
		if text := about[r.name]; text != last {
			fmt.Fprintf(&b, "\n%s\n", text)
			last = text
		}
		variable := code(envName(r.name))
		if r.each != nil {
			variable = "none, the file only"
		}
		fmt.Fprintf(&b, "\n| default | what to write | environment |\n|---|---|---|\n| %s | %s | %s |\n",
			code(r.def), cell(strings.TrimPrefix(r.write, "write ")), variable)
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// cell is a text in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// explanations are the comments of the sample file, by the key that they stand above.
// Keys that follow each other share one.
func explanations(sample string) map[string]string {
	about := map[string]string{}
	section, text := "", []string(nil)
	fresh := false // text stands above the next key
	for line := range strings.Lines(sample) {
		line = strings.TrimRight(line, "\n")
		bare := strings.TrimLeft(line, " ")
		comment, isComment := strings.CutPrefix(bare, "#")
		key, value, isKey := strings.Cut(bare, ":")
		switch {
		case isComment:
			if !fresh {
				text, fresh = nil, true
			}
			text = append(text, strings.TrimPrefix(comment, " "))
		case !isKey:
			text, fresh = nil, false
		case bare != line:
			about[section+"."+key] = markdown(text)
			fresh = false
		default:
			if section = key; len(text) > 0 || strings.TrimSpace(value) != "" {
				about[key] = markdown(text)
			}
			text, fresh = nil, false
		}
	}
	return about
}

// markdown keeps a table of the sample as it is.
func markdown(text []string) string {
	var out []string
	inTable := false
	for _, line := range text {
		if table := strings.HasPrefix(line, "  "); table != inTable {
			inTable = table
			out = append(out, "```")
		}
		out = append(out, line)
	}
	if inTable {
		out = append(out, "```")
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}
