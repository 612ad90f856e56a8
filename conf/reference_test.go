package conf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natftpd/conf"
)

func TestTheReferenceIsFresh(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != conf.Reference() {
		t.Error("docs/configuration.md is not what the keys say; make docs/configuration.md")
	}
}

func TestTheReferenceExplainsEveryKey(t *testing.T) {
	l := mustLoad(t, "", alice...)
	reference := conf.Reference()
	for line := range strings.Lines(show(t, l)) {
		key, _, ok := strings.Cut(line, ":")
		name := strings.TrimSpace(key)
		if !ok || strings.HasPrefix(name, "-") || strings.HasPrefix(key, "    ") || strings.HasPrefix(name, "#") {
			continue
		}
		heading := "\n## " + name + "\n"
		if name != key {
			heading = "\n### " + name + "\n"
		}
		if !strings.Contains(reference, heading) {
			t.Errorf("the reference has no heading for %s", name)
		}
	}
	if strings.Contains(reference, "\n\n\n") {
		t.Error("a key of the reference is not explained")
	}
}
