package cmd

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"natftpd/conf"
)

func TestAWarningIsWrittenAtOnceWithWhatCameBefore(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		synctest.Test(t, func(t *testing.T) {
			var got bytes.Buffer
			log, _, flush := (&program{err: &got}).logger(conf.Log{Format: format})
			log = log.With("client", "192.0.2.1").WithGroup("more")
			wantLines := func(want int) {
				t.Helper()
				if n := strings.Count(got.String(), "\n"); n != want {
					t.Errorf("%s: %d lines are written, want %d:\n%s", format, n, want, &got)
				}
			}
			log.Info("after a pause")
			wantLines(1)
			log.Info("waits")
			wantLines(1)
			log.Warn("does not wait")
			wantLines(3)
			log.Info("waits again")
			wantLines(3)
			flush()
			wantLines(4)
		})
	}
}
