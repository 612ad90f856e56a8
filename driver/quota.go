package driver

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// The quota of a home bounds the bytes of all its files, partials too. What is
// used is counted from the disk once, kept up to date by whoever changes a file
// here, and counted again now and then, since others may change files as well.
// A file that is being written counts with its size and with what is reserved
// for its next bytes; so the sum is never less than what lies on the disk.

const (
	noQuota int64 = math.MaxInt64 / 2 // far from overflow when a size is added
	// minReserve is the least that is worth being written past File at a time.
	minReserve int64 = 64 << 10
	// reservePatience is how long an upload waits for what others have reserved
	// and may not need. Package data gives it back within its own time-out.
	reservePatience = time.Minute
)

// usage counts the bytes of a home. The ledger's mutex guards it.
type usage struct {
	counted  bool          // used is true
	counting chan struct{} // closed when the count is over; nil: nobody counts
	used     int64         // all files, with what is reserved
	reserved int64
	changes  uint64        // grows with each change of used, and with renames
	released chan struct{} // closed at the next release; nil: nobody waits for it
}

func (u *usage) add(n int64) {
	if n != 0 {
		u.used += n
		u.changes++
	}
}

// free is how many bytes a limit leaves.
func (l *ledger) free(limit int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, limit-l.usage.used)
}

// moved tells a count that is under way that it may have missed a file, or seen
// it twice.
func (l *ledger) moved() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.usage.changes++
}

// take reserves n bytes for a writer. When they don't fit, but would if others
// gave back what they have reserved, it waits for that.
func (w *writer) take(n int64) bool {
	fits, wait := w.try(n)
	if wait == nil {
		return fits // as nearly always
	}
	patience := time.NewTimer(reservePatience)
	defer patience.Stop()
	for ; wait != nil; fits, wait = w.try(n) {
		select {
		case <-wait:
		case <-patience.C:
			return false
		}
	}
	return fits
}

// try reserves n bytes in place of what is reserved, or returns what to wait for
// before the next try: nil when it is no use.
func (w *writer) try(n int64) (fits bool, wait <-chan struct{}) {
	u := &w.ledger.usage
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if w.reserved > 0 {
		w.settleLocked()
	}
	switch {
	case u.used+n <= w.limit:
		w.reserveLocked(n)
		return true, nil
	case u.used-u.reserved+n > w.limit:
		return false, nil
	}
	if u.released == nil {
		u.released = make(chan struct{})
	}
	return false, u.released
}

// grant reserves up to n bytes: at most half of what is left, so that nobody
// takes what another's last bytes need.
func (w *writer) grant(n int64) int64 {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.settleLocked()
	n = min(n, (w.limit-w.ledger.usage.used)/2)
	if n < minReserve {
		return 0
	}
	w.reserveLocked(n)
	return n
}

func (w *writer) reserveLocked(n int64) {
	w.reserved += n
	w.ledger.usage.reserved += n
	w.ledger.usage.add(n)
}

// settle gives back what is reserved, and counts the file as it is.
func (w *writer) settle() {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.settleLocked()
}

func (w *writer) settleLocked() {
	if !w.ledger.limited.Load() {
		return
	}
	w.ledger.usage.add(-w.reserved)
	w.releaseLocked()
	if info, err := w.file.Stat(); err == nil { // it may be closed already
		w.ledger.usage.add(info.Size() - w.entry.size)
		w.entry.size = info.Size()
	}
}

// grown counts as the file's what is reserved, for the file has grown by just
// that.
func (w *writer) grown() {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.entry.size += w.reserved
	w.releaseLocked()
}

// releaseLocked ends a reservation whose bytes the caller counts.
func (w *writer) releaseLocked() {
	u := &w.ledger.usage
	u.reserved -= w.reserved
	w.reserved = 0
	if u.released != nil {
		close(u.released)
		u.released = nil
	}
}

// size is how long the file is, as counted.
func (w *writer) size() int64 {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	return w.entry.size
}

// Reserve returns how many of the next n bytes may be written to OSFile past
// File: n where there is no quota; else at most n, and 0 when so little is left
// that the bytes have to come through Write, which is exact. A reservation
// holds until the next call of Reserve, Release, Write or Close.
func (f *File) Reserve(n int64) int64 {
	if f.writer == nil || !f.writer.ledger.limited.Load() {
		return n
	}
	return f.writer.grant(n)
}

// Release says that n bytes of what was reserved have not been written.
func (f *File) Release(int64) {
	if f.writer != nil {
		f.writer.settle()
	}
}

// room reserves what a write of n bytes at a position adds to the file, until
// it is settled; a position below zero is where the file stands.
func (f *File) room(n, at int64) error {
	if f.writer == nil || !f.writer.ledger.limited.Load() {
		return nil
	}
	if f.atEnd && at < 0 {
		return f.take(n)
	}
	f.writer.settle()
	size := f.writer.size()
	if at < 0 {
		at = size
		if !f.appends {
			var err error
			if at, err = f.file.Seek(0, io.SeekCurrent); err != nil {
				return err
			}
		}
	}
	return f.take(at + n - size)
}

func (f *File) take(n int64) error {
	if n > 0 && !f.writer.take(n) {
		return quotaError(f.writer.limit)
	}
	return nil
}

// settled ends a room.
func (f *File) settled() {
	if f.writer != nil {
		f.writer.settle()
	}
}

// written ends the room of a Write. What a whole one at the end of a partial
// wrote is known without a look at the file.
func (f *File) written(err error) {
	if f.atEnd && err == nil {
		f.writer.grown()
	} else {
		f.settled()
	}
}

// errQuota is wrapped by what an account without room is told.
var errQuota = errors.New("quota")

func quotaError(limit int64) error {
	return fmt.Errorf("%w: %w of %s is used up", ftpserver.ErrStorageExceeded, errQuota, sizeText(limit))
}

// sizeText is a number of bytes as people write it.
func sizeText(n int64) string {
	size, unit := float64(n), ""
	for _, unit = range []string{"bytes", "kB", "MB", "GB", "TB"} {
		if size < 1000 || unit == "TB" {
			break
		}
		size /= 1000
	}
	if unit == "bytes" {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}
