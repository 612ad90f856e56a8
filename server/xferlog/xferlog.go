// Package xferlog writes a transfer log in the format of xferlog(5), which wu-ftpd
// began and programs for statistics read: a line for each file that was sent or
// received, whole or in part. It knows nothing of sessions.
package xferlog

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"natftpd/server/lines"
)

// Entry is one transfer.
type Entry struct {
	Ended  time.Time
	Took   time.Duration
	Client netip.Addr
	Bytes  int64
	// Path is the file as its client sees it.
	Path     string
	Upload   bool
	User     string
	Complete bool
	// Anonymous: the user gave any password.
	Anonymous bool
}

// Log is a transfer log. The zero Log of New writes nowhere until Open.
type Log struct {
	log *slog.Logger

	mu sync.Mutex
	to *file // nil: nowhere
}

// file is what a Log writes to.
type file struct {
	*os.File
	lines  *lines.Lines[Entry]
	made   []byte
	log    *slog.Logger
	failed bool // the last lines could not be written, which was said
}

// New returns a log that writes nowhere yet; log is told of a file that can't be
// written.
func New(log *slog.Logger) *Log { return &Log{log: log} }

// Open writes to the file of that name from now on, and lets go of the one before,
// also if it has the same name: logrotate has moved it. "": nowhere. After an error
// everything is as it was.
func (l *Log) Open(name string) error {
	var next *file
	if name != "" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
		if err != nil {
			return fmt.Errorf("transfer log: %w", err)
		}
		next = &file{File: f, log: l.log}
		next.lines = lines.New(next.write)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		l.to.lines.Flush()
		l.to.Close()
	}
	l.to = next
	return nil
}

// Close lets go of the file.
func (l *Log) Close() { _ = l.Open("") }

// Add writes a line, or has it wait a moment for those that come with it.
func (l *Log) Add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		l.to.lines.Add(e)
	}
}

// write makes lines and writes them. It says when that fails, and when it no longer does.
func (f *file) write(all []Entry) {
	f.made = f.made[:0]
	for _, e := range all {
		f.made = e.appendLine(f.made)
	}
	_, err := f.Write(f.made)
	if failed := err != nil; failed != f.failed {
		f.failed = failed
		if failed {
			f.log.Error("transfers are not logged: let the server write there", "file", f.Name(), "error", errors.Unwrap(err))
		} else {
			f.log.Info("transfers are logged again", "file", f.Name())
		}
	}
}

// appendLine appends the fields of xferlog(5) in its order: time, seconds, host,
// size, name, type (b: binary), special action (_: none), direction, access mode,
// user, service, authentication (0: none by RFC 931), its user (*: unknown),
// completion.
func (e Entry) appendLine(to []byte) []byte {
	to = e.Ended.AppendFormat(to, "Mon Jan _2 15:04:05 2006 ")
	to = strconv.AppendInt(to, max(1, int64(math.Ceil(e.Took.Seconds()))), 10)
	to = append(to, ' ')
	to = e.Client.AppendTo(to)
	to = append(to, ' ')
	to = strconv.AppendInt(to, e.Bytes, 10)
	for _, field := range []string{
		word(e.Path), "b", "_", either(e.Upload, "i", "o"), either(e.Anonymous, "a", "r"),
		word(e.User), "ftp", "0", "*", either(e.Complete, "c", "i"),
	} {
		to = append(to, ' ')
		to = append(to, field...)
	}
	return append(to, '\n')
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// word makes one field of a text: what would end it, or hide it from a person's eye,
// becomes an underscore.
func word(s string) string {
	if s == "" {
		return "?"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, s)
}
