//go:build linux

package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"natftpd/integration/report"
)

// The whole program, with natftpd alone and next to nothing to do. How fast anything
// is does not matter here, so a goal may be missed.
func TestEverythingIsMeasuredAndPublished(t *testing.T) {
	requireCores(t)
	program, docs := filepath.Join(t.TempDir(), "bench"), filepath.Join(t.TempDir(), "performance")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	pgo := filepath.Join(t.TempDir(), "default.pgo")
	run := exec.Command(program, "-quick", "-compare", "-overhead", "-growth", "-profile", "-peers", self, "-time", "200ms", "-size", "1",
		"-rows", "^(get-4k-8|sessions)$", "-publish", docs, "-pgo", pgo)
	out, err := run.CombinedOutput()
	if err != nil && !strings.Contains(string(out), errMissed.Error()) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)

	// The features are weighed all, and those that watch alone.
	for name, want := range map[string]int{"comparison": 1, "overhead": 2} {
		t.Run(name, func(t *testing.T) {
			var all struct{ Figures []result }
			readFigures(t, docs, name, &all)
			if len(all.Figures) != want {
				t.Fatalf("got %+v, want %d figures", all.Figures, want)
			}
			for _, one := range all.Figures {
				if one.of(self) == nil || one.of(self).Median.Value == 0 {
					t.Errorf("got %+v, want a figure of natftpd", one)
				}
			}
		})
	}
	t.Run("growth", func(t *testing.T) {
		var all struct{ Figures []grown }
		readFigures(t, docs, "growth", &all)
		if len(all.Figures) != 1 || len(all.Figures[0].Steps) != 3 || all.Figures[0].rise() == 0 {
			t.Errorf("got %+v, want a curve of three steps", all.Figures)
		}
	})
	for _, name := range []string{"comparison", "flame"} {
		t.Run("the picture of "+name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(docs, name+".svg"))
			if err != nil {
				t.Fatal(err)
			}
			var picture struct{ XMLName xml.Name }
			if err := xml.Unmarshal(text, &picture); err != nil || picture.XMLName.Local != "svg" {
				t.Errorf("no picture: %v, %v", picture.XMLName, err)
			}
		})
	}
	for _, section := range []string{"comparison", "overhead", "growth", "flame"} {
		if text, err := report.Section(docs+".md", section); err != nil || !strings.Contains(text, "Measured on ") {
			t.Errorf("section %s: %v\n%s", section, err, text)
		}
	}
	if info, err := os.Stat(pgo); err != nil || info.Size() == 0 {
		t.Errorf("no profile for the compiler: %v", err)
	}
}

func readFigures(t *testing.T, docs, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

// requireCores skips a test where nothing can be measured. With CI=true that is a
// failure.
func requireCores(t *testing.T) {
	t.Helper()
	_, err := chooseCores()
	if err == nil {
		var clock *cpuClock
		if clock, err = openCPUClock(); err == nil {
			clock.close()
		}
	}
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

func TestCommandsAreQuotedForAShell(t *testing.T) {
	got := quoted([]string{"-rows", "^a|b$", "-publish", "docs/performance", "it's"})
	if want := ` -rows '^a|b$' -publish docs/performance 'it'\''s'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAPageWithoutABeginningIsMade(t *testing.T) {
	p := &place{options: options{publish: filepath.Join(t.TempDir(), "performance")}}
	versions := map[string]string{self: "1", "vsftpd": "3.0.3", "sftpgo": ""}
	if err := publish(p, versions, published{name: "one", text: "table"}); err != nil {
		t.Fatal(err)
	}
	text, err := report.Section(p.publish+".md", "one")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "table\n\nMeasured on ") || !strings.Contains(text, "The others: vsftpd 3.0.3.") {
		t.Errorf("got %q", text)
	}
	if _, err := os.Stat(filepath.Join(p.publish, "one.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no figures, but a file for them: %v", err)
	}
}
