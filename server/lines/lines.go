// Package lines writes lines together when many come closely: the log and the
// transfer log of a busy server, in which each file is a line, cost it a system call
// now and then instead of one for each. It knows nothing of what the lines say.
package lines

import (
	"io"
	"sync"
	"time"
)

const (
	// late is how long a line may wait for others. What a process that is killed has
	// not written is what came within that time.
	late = 10 * time.Millisecond
	// most is how many bytes wait for others: what a pipe takes in one piece, also
	// when others write to it (PIPE_BUF, pipe(7)).
	most = 4 << 10
)

// Writer writes to another one. A line that comes after a pause is written at once,
// those that follow it closely wait for each other. Several goroutines may use it.
type Writer struct {
	mu      sync.Mutex // held while it is written: lines keep their order
	to      io.Writer
	waiting []byte
	timer   *time.Timer // writes what waits; nil before the first time
	running bool        // the timer is
	written time.Time   // when the first line after a pause, or what waited, was
}

// NewWriter returns a Writer to to.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write takes over whole lines. An error may be that of lines before them, and one of
// theirs may be a later one's.
func (w *Writer) Write(lines []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if len(w.waiting)+len(lines) > most {
		err = w.flush()
	}
	w.waiting = append(w.waiting, lines...)
	if w.running {
		return len(lines), err
	}
	now := time.Now()
	switch wait := late - now.Sub(w.written); {
	case wait <= 0:
		w.written = now
		err = w.flush()
	case w.timer == nil:
		w.timer, w.running = time.AfterFunc(wait, w.due), true
	default:
		w.timer.Reset(wait)
		w.running = true
	}
	return len(lines), err
}

// due is the timer's.
func (w *Writer) due() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.written = false, time.Now()
	_ = w.flush() // to may keep its errors
}

// Flush writes what waits, in the moment of a line that somebody is to see now, and
// at the end.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *Writer) flush() error {
	if len(w.waiting) == 0 {
		return nil
	}
	_, err := w.to.Write(w.waiting)
	w.waiting = w.waiting[:0]
	return err
}
