package cmd

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"natftpd/conf"
)

// logger writes to standard error as the configuration says, and level changes
// what. The same facts are there in each format: JSON and logfmt for machines and
// for files, short lines in colour for a person at a terminal.
func (p *program) logger(c conf.Log) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(c.Level)
	options := &slog.HandlerOptions{Level: level}
	switch {
	case c.Format == "json":
		return slog.New(slog.NewJSONHandler(p.err, options)), level
	case p.atTerminal(p.err):
		return slog.New(tint.NewHandler(p.err, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: p.variable("NO_COLOR") != ""})), level
	}
	return slog.New(slog.NewTextHandler(p.err, options)), level
}

// atTerminal tells whether a person reads what is written to w.
func (p *program) atTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
