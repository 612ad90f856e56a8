package cmd

import (
	"bytes"
	"context"
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
// may wait for the next lines: flush is for the end. The journal of systemd has a time
// and a level of its own for each line.
func (p *program) logger(c conf.Log) (log *slog.Logger, level *slog.LevelVar, flush func()) {
	level = new(slog.LevelVar)
	level.Set(c.Level)
	if c.Format != "json" && p.atTerminal(p.err) {
		return slog.New(tint.NewHandler(p.err, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: p.variable("NO_COLOR") != ""})), level, func() {}
	}
	var made bytes.Buffer
	var handler slog.Handler
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		handler = slog.NewJSONHandler(&made, options)
	} else {
		handler = slog.NewTextHandler(&made, options)
	}
	journal := c.Format != "json" && p.inJournal(p.err)
	together := together{handler, lines.New(func(all []entry) {
		made.Reset()
		for _, e := range all {
			if journal {
				made.WriteString(priority(e.record.Level))
				e.record.Time = time.Time{} // none is written
			}
			_ = e.handler.Handle(context.Background(), e.record) // a buffer takes all
		}
		_, _ = p.err.Write(made.Bytes()) // there is nowhere to say it
	})}
	return slog.New(together), level, together.lines.Flush
}

// together is a handler whose lines are made together, but for warnings and errors.
type together struct {
	slog.Handler
	lines *lines.Lines[entry]
}

// entry is a record and who makes its line.
type entry struct {
	handler slog.Handler
	record  slog.Record
}

// Handle is slog.Handler's.
func (t together) Handle(_ context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn && keeps(r) {
		t.lines.Add(entry{t.Handler, r})
	} else {
		t.lines.AddNow(entry{t.Handler, r})
	}
	return nil
}

// keeps tells whether a record says the same later: what its values point to may
// change.
func keeps(r slog.Record) bool {
	all := true
	r.Attrs(func(a slog.Attr) bool {
		switch a.Value.Kind() {
		case slog.KindAny, slog.KindLogValuer, slog.KindGroup:
			all = false
		}
		return all
	})
	return all
}

// WithAttrs is slog.Handler's.
func (t together) WithAttrs(attrs []slog.Attr) slog.Handler {
	return together{t.Handler.WithAttrs(attrs), t.lines}
}

// WithGroup is slog.Handler's.
func (t together) WithGroup(name string) slog.Handler {
	return together{t.Handler.WithGroup(name), t.lines}
}

// priority is what the journal takes a line's level from (sd-daemon(3)).
func priority(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "<3>"
	case level >= slog.LevelWarn:
		return "<4>"
	case level >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}

// inJournal tells whether what is written to w goes to systemd's journal: it then is
// the file that $JOURNAL_STREAM names (systemd.exec(5)), which what the service starts
// may have in its environment, too.
func (p *program) inJournal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	stream := p.variable("JOURNAL_STREAM")
	return stream != "" && stream == deviceAndInode(f)
}

// atTerminal tells whether a person reads what is written to w.
func (p *program) atTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
