package integration

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are what people read, by their place in the project.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range append(names, filepath.Join("..", "README.md"), filepath.Join("..", "CHANGELOG.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return all
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	code    = regexp.MustCompile("(?s)```.*?```|(?m)^ {4}[^\n]*$")
)

// anchors are those that GitHub makes of the headings of a page.
func anchors(text string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	all := pages(t)
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			to, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if to.Host != "" {
				continue
			}
			target := name
			if to.Path != "" {
				target = filepath.Join(filepath.Dir(name), to.Path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			} else if to.Fragment != "" && !slices.Contains(anchors(all[target]), to.Fragment) {
				t.Errorf("%s: %s: the page has no such heading", name, m[1])
			}
		}
	}
}

// key is a key of the configuration as people write it.
var key = regexp.MustCompile("`(ftp|bans|nat|tls|status|log)\\.([a-z0-9_]+)")

func TestPagesNameKeysThatThereAre(t *testing.T) {
	all := pages(t)
	reference := all[filepath.Join("..", "docs", "configuration.md")]
	known := map[string]bool{}
	section := ""
	for _, m := range regexp.MustCompile(`(?m)^(##+) (\w+)$`).FindAllStringSubmatch(reference, -1) {
		if m[1] == "##" {
			section = m[2]
		}
		known[section+"."+m[2]] = true
	}
	for name, text := range all {
		for _, m := range key.FindAllStringSubmatch(text, -1) {
			if k := m[1] + "." + m[2]; !known[k] && k != "status.sock" && m[2] != "go" {
				t.Errorf("%s names %s, which the configuration has not", name, k)
			}
		}
	}
}

// said is what the program says, as the page of symptoms quotes it: a reply, or words of
// the log. What differs each time is an ellipsis there, and a colon stands where one
// part of the program quotes another.
var said = regexp.MustCompile("(?m)^\\| `(?:\\d{3} )?([^`]+)`")

func TestSymptomsQuoteWhatTheProgramSays(t *testing.T) {
	var source strings.Builder
	for _, files := range packages(t) {
		for _, f := range files {
			if f.test {
				continue
			}
			text, err := os.ReadFile(f.path)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	page := pages(t)[filepath.Join("..", "docs", "symptoms.md")]
	missing := map[string]bool{}
	for _, m := range said.FindAllStringSubmatch(page, -1) {
		for _, words := range regexp.MustCompile(`…|: `).Split(m[1], -1) {
			if words = strings.TrimSpace(words); !strings.HasSuffix(words, "=") && !strings.Contains(source.String(), words) {
				missing[words] = true
			}
		}
	}
	for _, words := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("docs/symptoms.md quotes %q, which nobody says", words)
	}
}
