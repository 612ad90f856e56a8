package cmd

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Beside a log that is always written to, too.
func TestAChangedFileIsNoticed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "natftpd.yaml")
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	write(file, "old")
	ctx, cancel := context.WithTimeout(t.Context(), 20*settle)
	defer cancel()
	noticed, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		watchFile(ctx, file, slog.New(slog.DiscardHandler), func() {
			select {
			case noticed <- struct{}{}:
			default:
			}
		})
	}()
	busy := time.NewTicker(settle / 10)
	defer busy.Stop()
	for n := 0; ; n++ {
		select {
		case <-busy.C:
			write(filepath.Join(dir, "log"), strings.Repeat("x", n))
			if n%30 == 0 { // the first may come before it is watched
				write(file, strings.Repeat("new", n))
			}
			continue
		case <-noticed:
		case <-ctx.Done():
			t.Error("a change is not noticed")
		}
		break
	}
	cancel()
	<-ended
}
