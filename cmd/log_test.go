package cmd

import (
	"bytes"
	"log/slog"
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

// weather changes.
type weather struct{ now string }

func (w *weather) String() string { return w.now }

func TestALineSaysWhatWasTrueWhenItWasLogged(t *testing.T) {
	for name, attr := range map[string]func(*weather) slog.Attr{
		"what a value points to": func(w *weather) slog.Attr { return slog.Any("weather", w) },
		"what is in a group":     func(w *weather) slog.Attr { return slog.Group("today", "weather", w) },
		"a text":                 func(w *weather) slog.Attr { return slog.String("weather", w.now) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			log, _, flush := (&program{err: &got}).logger(conf.Log{})
			log.Info("after a pause")
			w := &weather{"fine"}
			log.Info("waits", attr(w))
			w.now = "rain"
			flush()
			if !strings.Contains(got.String(), "fine") {
				t.Errorf("logged:\n%s", &got)
			}
		})
	}
}
