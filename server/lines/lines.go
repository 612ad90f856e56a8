// Package lines makes and writes lines together when many come closely: the log and
// the transfer log of a busy server, in which each file is a line, cost it a system
// call now and then instead of one for each, and are made by code that is still in the
// processor's caches. It knows nothing of what the lines say.
package lines

import (
	"sync"
	"time"
)

const (
	// late is how long a line may wait for others. What a process that is killed has
	// not written is what came within that time.
	late = 10 * time.Millisecond
	// most is how many wait for each other: about what a pipe takes in one piece, also
	// when others write to it (PIPE_BUF, pipe(7)).
	most = 16
)

// Lines are lines on their way into a log, each made of a T. One that comes after a
// pause is written at once, those that follow it closely wait for each other. Several
// goroutines may use them.
type Lines[T any] struct {
	mu      sync.Mutex // held while it is written: lines keep their order
	write   func([]T)
	waiting []T
	timer   *time.Timer // writes what waits; nil before the first time
	running bool        // the timer is
	written time.Time   // when the first line after a pause, or what waited, was
}

// New returns Lines that write makes and writes. It is called by one goroutine at a
// time, and keeps nothing of what it is given.
func New[T any](write func([]T)) *Lines[T] {
	return &Lines[T]{write: write, waiting: make([]T, 0, most)}
}

// Add adds a line, which may wait.
func (l *Lines[T]) Add(line T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, line)
	if len(l.waiting) == most {
		l.flush()
	}
	if l.running {
		return
	}
	now := time.Now()
	switch wait := late - now.Sub(l.written); {
	case wait <= 0:
		l.written = now
		l.flush()
	case l.timer == nil:
		l.timer, l.running = time.AfterFunc(wait, l.due), true
	default:
		l.timer.Reset(wait)
		l.running = true
	}
}

// AddNow adds a line that somebody is to see now, behind those that wait.
func (l *Lines[T]) AddNow(line T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, line)
	l.flush()
}

// Flush writes what waits.
func (l *Lines[T]) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

// due is the timer's.
func (l *Lines[T]) due() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running, l.written = false, time.Now()
	l.flush()
}

func (l *Lines[T]) flush() {
	if len(l.waiting) == 0 {
		return
	}
	l.write(l.waiting)
	clear(l.waiting) // nothing is kept alive
	l.waiting = l.waiting[:0]
}
