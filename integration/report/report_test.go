package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"natftpd/integration/report"
)

func TestReplace(t *testing.T) {
	const old = "# Page\n\n<!-- begin one -->\nold\n<!-- end one -->\n\nprose\n"
	for _, c := range []struct{ name, before, section, want string }{
		{"a page that is not there is made", "", "one", "<!-- begin one -->\nnew\n<!-- end one -->\n"},
		{"a section is replaced where it is", old, "one", "# Page\n\n<!-- begin one -->\nnew\n<!-- end one -->\n\nprose\n"},
		{"a section that is not there is added", old, "two", old + "\n<!-- begin two -->\nnew\n<!-- end two -->\n"},
		{"a section without an end is left alone", "<!-- begin one -->\nprose\n", "one", "<!-- begin one -->\nprose\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.md")
			if c.before != "" {
				if err := os.WriteFile(file, []byte(c.before), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := report.Replace(file, c.section, "new\n")
			got, errRead := os.ReadFile(file)
			if errRead != nil {
				t.Fatal(errRead)
			}
			if string(got) != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if unchanged := c.want == c.before; unchanged != (err != nil) {
				t.Errorf("error: got %v", err)
			}
			text, err := report.Section(file, c.section)
			if want := "new\n"; c.want != c.before && (text != want || err != nil) {
				t.Errorf("section: got %q, %v, want %q", text, err, want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	got := report.Table([]string{"row", "value", "rest"}, [][]string{{"a", "1 ms", "1"}, {"b", "-", "none"}})
	if want := "| row | value | rest |\n| --- | ---: | --- |\n| a | 1 ms | 1 |\n| b | - | none |\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
