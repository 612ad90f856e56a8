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
	"strings"
	"sync"
	"time"
	"unicode"
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

	mu     sync.Mutex
	file   *os.File // nil: nowhere
	failed bool     // the last line could not be written, which was said
}

// New returns a log that writes nowhere yet; log is told of a file that can't be
// written.
func New(log *slog.Logger) *Log { return &Log{log: log} }

// Open writes to the file of that name from now on, and lets go of the one before,
// also if it has the same name: logrotate has moved it. "": nowhere. After an error
// everything is as it was.
func (l *Log) Open(name string) error {
	var next *os.File
	if name != "" {
		var err error
		if next, err = os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640); err != nil {
			return fmt.Errorf("transfer log: %w", err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.failed = next, false
	return nil
}

// Close lets go of the file.
func (l *Log) Close() { _ = l.Open("") }

// Add writes a line.
func (l *Log) Add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	_, err := l.file.WriteString(e.line())
	if failed := err != nil; failed != l.failed {
		l.failed = failed
		if failed {
			l.log.Error("transfers are not logged: let the server write there", "file", l.file.Name(), "error", errors.Unwrap(err))
		} else {
			l.log.Info("transfers are logged again", "file", l.file.Name())
		}
	}
}

// line has the fields of xferlog(5) in its order: time, seconds, host, size, name,
// type (b: binary), special action (_: none), direction, access mode, user, service,
// authentication (0: none by RFC 931), its user (*: unknown), completion.
func (e Entry) line() string {
	seconds := max(1, int64(math.Ceil(e.Took.Seconds())))
	return fmt.Sprintf("%s %d %s %d %s b _ %s %s %s ftp 0 * %s\n", e.Ended.Format("Mon Jan _2 15:04:05 2006"), seconds, e.Client, e.Bytes, word(e.Path),
		either(e.Upload, "i", "o"), either(e.Anonymous, "a", "r"), word(e.User), either(e.Complete, "c", "i"))
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
