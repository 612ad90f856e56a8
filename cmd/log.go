package cmd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"natftpd/conf"
	"natftpd/server/lines"
)

// logger writes to standard error as the configuration says, and level changes
// what. The same facts are there in each format: JSON and logfmt for machines and
// for files, short lines in colour for a person at a terminal. What is for machines
// may wait for the next lines: flush is for the end.
func (p *program) logger(c conf.Log) (log *slog.Logger, level *slog.LevelVar, flush func() error) {
	level = new(slog.LevelVar)
	level.Set(c.Level)
	together := lines.NewWriter(p.err)
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler
	switch {
	case c.Format == "json":
		handler = slog.NewJSONHandler(together, options)
	case p.atTerminal(p.err):
		handler = tint.NewHandler(p.err, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: p.variable("NO_COLOR") != ""})
	default:
		handler = slog.NewTextHandler(together, options)
	}
	return slog.New(prompt{handler, together}), level, together.Flush
}

// prompt has warnings and errors, and what was logged before them, written at once.
type prompt struct {
	slog.Handler
	lines *lines.Writer
}

// Handle is slog.Handler's.
func (p prompt) Handle(ctx context.Context, r slog.Record) error {
	err := p.Handler.Handle(ctx, r)
	if r.Level < slog.LevelWarn {
		return err
	}
	return errors.Join(err, p.lines.Flush())
}

// WithAttrs is slog.Handler's.
func (p prompt) WithAttrs(attrs []slog.Attr) slog.Handler {
	return prompt{p.Handler.WithAttrs(attrs), p.lines}
}

// WithGroup is slog.Handler's.
func (p prompt) WithGroup(name string) slog.Handler {
	return prompt{p.Handler.WithGroup(name), p.lines}
}

// atTerminal tells whether a person reads what is written to w.
func (p *program) atTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
