package data

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// record is what a TLS record holds at the most (RFC 8446, section 5.1).
	record = 16 << 10
	// several is how much of TLS is read or written in one system call: a batch
	// and what its records add to it. The channel itself would make one or two
	// calls for each record.
	several = batch + batch/record*overhead
	// overhead is what a record adds at the most with AES-GCM or ChaCha20.
	overhead = 32
	// few is how much is read ahead in a handshake, in which many sessions can be at a
	// time: what a client says there is less.
	few = record + overhead
)

var (
	wireBuffers      = sync.Pool{New: func() any { return new([several]byte) }}
	handshakeBuffers = sync.Pool{New: func() any { return new([few]byte) }}
)

// wire is the TCP connection with a time-out for standing still: a slow peer
// keeps its connection as long as something moves within each. It lies below
// TLS too, where a record that was cut could not be continued from above.
type wire struct {
	*net.TCPConn
	timeout time.Duration
	until   time.Time // when all has to be done; zero: a time-out for each step
	ended   bool      // the peer's FIN was read

	in         []byte // what was read ahead, few or several bytes; nil: nothing is
	next, come int    // of in: what Read returns next
	keeps      bool   // in has what Read returned, too, from the first byte on

	// TLS writes record by record. Gathered, they go when the buffer is full, on
	// flush, and before anything is awaited of the peer.
	gathers bool
	out     *[several]byte // nil when empty
	used    int
}

func (w *wire) deadline() time.Time {
	if !w.until.IsZero() {
		return w.until
	}
	return time.Now().Add(w.timeout)
}

// Read reads what has come.
func (w *wire) Read(p []byte) (int, error) {
	if w.in == nil {
		return w.read(p)
	}
	if w.next == w.come {
		if !w.keeps || w.come == len(w.in) {
			w.next, w.come = 0, 0
		}
		n, err := w.read(w.in[w.come:])
		w.come += n
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, w.in[w.next:w.come])
	w.next += n
	return n, nil
}

func (w *wire) read(p []byte) (int, error) {
	if err := w.flush(); err != nil {
		return 0, err
	}
	w.SetReadDeadline(w.deadline())
	n, err := w.TCPConn.Read(p)
	w.ended = w.ended || err == io.EOF
	return n, err
}

// readFewAhead makes Read take as much at once as a handshake has.
func (w *wire) readFewAhead() { w.in = handshakeBuffers.Get().(*[few]byte)[:] }

// readAhead makes Read take much at once, until stopAhead.
func (w *wire) readAhead() {
	in := wireBuffers.Get().(*[several]byte)[:]
	come := copy(in, w.in[w.next:w.come])
	w.stopAhead()
	w.in, w.come = in, come
}

// stopAhead has Read take what it is asked for. What has been read ahead by then is
// lost.
func (w *wire) stopAhead() {
	switch len(w.in) {
	case few:
		handshakeBuffers.Put((*[few]byte)(w.in))
	case several:
		wireBuffers.Put((*[several]byte)(w.in))
	}
	w.in, w.next, w.come = nil, 0, 0
}

// ahead is how much Read has without waiting.
func (w *wire) ahead() int { return w.come - w.next }

// Write writes p whole, or gathers it.
func (w *wire) Write(p []byte) (int, error) {
	if !w.gathers {
		return w.write(p)
	}
	total := 0
	for len(p) > 0 {
		if w.used == several {
			if err := w.flush(); err != nil {
				return total, err
			}
		}
		if w.out == nil {
			w.out = wireBuffers.Get().(*[several]byte)
		}
		n := copy(w.out[w.used:], p)
		w.used += n
		total += n
		p = p[n:]
	}
	return total, nil
}

func (w *wire) write(p []byte) (int, error) {
	total := 0
	for {
		w.SetWriteDeadline(w.deadline())
		n, err := w.TCPConn.Write(p[total:])
		total += n
		if err == nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return total, err
		}
	}
}

// flush writes what was gathered.
func (w *wire) flush() error {
	if w.out == nil {
		return nil
	}
	out, used := w.out, w.used
	w.out, w.used = nil, 0
	_, err := w.write(out[:used])
	wireBuffers.Put(out)
	return err
}
