//go:build unix

package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natftpd/conf"
)

func TestTheJournalIsToldTheLevelAndNoTime(t *testing.T) {
	const warning = `level=WARN msg="passive port does not accept" port=50000` + "\n"
	for name, c := range map[string]struct {
		stream func(f *os.File) string
		format string
		want   string // how the line begins
	}{
		"the journal":              {deviceAndInode, "text", "<4>" + warning},
		"the journal, as JSON":     {deviceAndInode, "json", `{"time":"`},
		"no service":               {func(*os.File) string { return "" }, "text", "time="},
		"a file that a script has": {func(*os.File) string { return "8:1" }, "text", "time="},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := os.Create(filepath.Join(t.TempDir(), "err"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			p := &program{err: file, environ: []string{"JOURNAL_STREAM=" + c.stream(file)}}
			log, _, flush := p.logger(conf.Log{Format: c.format})
			log.Warn("passive port does not accept", "port", 50000)
			flush()
			got, err := os.ReadFile(file.Name())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(got), c.want) {
				t.Errorf("logged %q, want it to begin with %q", got, c.want)
			}
		})
	}
}
