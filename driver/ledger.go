package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFileBusy refuses for now what would disturb another session's work (reply 450,
// RFC 959, section 4.2).
var ErrFileBusy = errors.New("busy, try again later")

var (
	errWritten  = fmt.Errorf("%w: another session is writing it", ErrFileBusy)
	errCounting = fmt.Errorf("%w: the files of this home are being counted for its quota", ErrFileBusy)
)

// ledger is what all sessions of a home folder share: which files are being
// written, and how many bytes there are. It outlives accounts and sessions.
type ledger struct {
	log    *slog.Logger
	warned sync.Once // that modes and owners can't be set

	failing bool // Tend's own: see tell

	// stepByStep: folders are opened one by one even where the kernel could do
	// better. For tests.
	stepByStep bool

	// limited: somebody has a quota here, so all bytes are counted.
	limited atomic.Bool

	// change is held over the few calls that look at a file and then remove or
	// replace it, or make it, so that what was counted out is what has gone; and over the
	// first count of a home that does not come to rest. Never over a transfer,
	// and only in homes with a quota.
	change sync.Mutex

	// turns counts those who began to write. It changes with mu held.
	turns atomic.Uint64

	mu      sync.Mutex
	folder  *folder       // that sessions share, nil without any
	keep    time.Duration // how long partials wait
	due     time.Time     // when the home has to be looked after, see tend.go
	written []*written
	asked   map[asker]time.Time // see waiting.go
	usage   usage               // see quota.go
}

// written is a file that somebody is writing.
type written struct {
	info    fs.FileInfo // whose identity counts
	writers int
	size    int64 // as counted
	gone    bool  // removed or replaced: its bytes go with the last writer
}

// writer is one who writes a file.
type writer struct {
	ledger   *ledger
	entry    *written
	file     *os.File
	info     fs.FileInfo // of the file, when this one began
	limit    int64       // of the bytes in the home
	turn     uint64      // of ledger.turns, when this one began
	reserved int64       // guarded by ledger.mu
}

func newLedger(log *slog.Logger) *ledger {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &ledger{log: log, asked: make(map[asker]time.Time)}
}

// claim opens a partial for its only writer, until end, or letGo; anew makes it
// where there is none.
func (l *ledger) claim(in place, name string, anew bool, limit int64) (*writer, error) {
	flags := os.O_WRONLY
	if anew {
		w, err := l.create(in, name, limit)
		if !errors.Is(err, fs.ErrExist) {
			return w, err
		}
		flags |= os.O_CREATE
	}
	w, err := l.open(in, name, flags, limit, true)
	if err != nil {
		return nil, err
	}
	return w.checked(in, name)
}

// create makes a file for its only writer.
func (l *ledger) create(in place, name string, limit int64) (*writer, error) {
	before := l.turns.Load()
	w, err := l.open(in, name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, limit, true)
	if err != nil || w.turn == before+1 {
		return w, err // nobody else began anything since, so nobody had this one
	}
	return w.checked(in, name)
}

// checked lets the writer go unless its file still has its name: who had it before
// may just have put it in the target's place.
func (w *writer) checked(in place, name string) (*writer, error) {
	if !w.has(in, name) {
		w.letGo()
		return nil, errWritten
	}
	return w, nil
}

// open opens a regular file for one who writes it, until end, or letGo.
func (l *ledger) open(in place, name string, flags int, limit int64, alone bool) (*writer, error) {
	file, err := openAtOnce(in, name, flags)
	if err != nil {
		return nil, err
	}
	w, err := l.begin(file, limit, alone)
	if err != nil {
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	return w, nil
}

// begin notes that somebody writes an open file, until end. alone: nobody else
// may, or the answer is ErrFileBusy. It looks at the file under the lock: whoever
// wrote it before has ended by then, and the size is what was counted.
func (l *ledger) begin(file *os.File, limit int64, alone bool) (*writer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	e := l.find(info)
	switch {
	case e == nil:
		e = &written{info: info, size: info.Size()}
		l.written = append(l.written, e)
	case alone:
		return nil, errWritten
	}
	e.writers++
	return &writer{ledger: l, entry: e, file: file, info: info, limit: limit, turn: l.turns.Add(1)}, nil
}

// has reports whether a name stands for the file.
func (w *writer) has(in place, name string) bool {
	now, err := in.Lstat(name)
	return err == nil && sameFile(now, w.info)
}

// end comes while something still holds the file open: the next file could else
// have the same number on the disk, and be taken for this one.
func (w *writer) end() {
	l := w.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	w.settleLocked()
	if w.entry.writers--; w.entry.writers > 0 {
		return
	}
	l.written = slices.DeleteFunc(l.written, func(e *written) bool { return e == w.entry })
	if w.entry.gone {
		l.usage.add(-w.entry.size)
	}
}

// find is who writes a file; with l.mu held.
func (l *ledger) find(info fs.FileInfo) *written {
	for _, e := range l.written {
		if sameFile(e.info, info) {
			return e
		}
	}
	return nil
}

// isWritten reports whether somebody is writing a file.
func (l *ledger) isWritten(info fs.FileInfo) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(info) != nil
}
