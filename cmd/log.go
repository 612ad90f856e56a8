package cmd

import (
	"log/slog"

	"natftpd/conf"
)

// logger writes to standard error as the configuration says.
func (p *program) logger(c conf.Log) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}
