package data

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// coalesce is how much a listing is gathered into one write: two full
	// TLS records.
	coalesce = 32 << 10
	// batch is how much of a file is read or written at once where the kernel
	// does not copy.
	batch = 256 << 10
)

var (
	writeBuffers = sync.Pool{New: func() any { return new([coalesce]byte) }}
	copyBuffers  = sync.Pool{New: func() any { return new([batch]byte) }}
)

// osFile is a file of the local disk below whatever the driver wraps it in, and
// the driver's way of telling its errors.
type osFile interface {
	OSFile() *os.File
	Translate(error) error
}

// Write sends p, or gathers it with more: Flush or Close sends the rest. A write
// of nothing only makes sure that the channel is up.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	if len(p) >= coalesce/2 {
		if err := c.Flush(); err != nil {
			return 0, err
		}
		return c.send(p)
	}
	if c.used+len(p) > coalesce {
		if err := c.Flush(); err != nil {
			return 0, err
		}
	}
	if c.buf == nil && len(p) > 0 {
		c.buf = writeBuffers.Get().(*[coalesce]byte)
	}
	if len(p) > 0 {
		c.used += copy(c.buf[c.used:], p)
	}
	return len(p), nil
}

// Flush sends what Write gathered.
func (c *Conn) Flush() error {
	if c.buf == nil {
		return c.Err()
	}
	buf, used := c.buf, c.used
	c.buf, c.used = nil, 0
	_, err := c.send(buf[:used])
	writeBuffers.Put(buf)
	return err
}

// fillSegments is called when there is more to send than fits into one call. What a
// bounded pace leaves in the last segment of a step goes with the next one.
func (c *Conn) fillSegments() {
	if !c.full {
		c.full = true
		forBulk(c.wire.TCPConn)
	}
}

// send writes p whole and waits for its pace.
func (c *Conn) send(p []byte) (int, error) {
	if c.sent.Load() > 0 {
		c.fillSegments()
	}
	n, err := c.Conn.Write(p)
	if err == nil {
		err = c.wire.flush()
	}
	return n, c.moved(n, err)
}

// moved counts what was sent and waits for its pace.
func (c *Conn) moved(n int, err error) error {
	c.sent.Add(int64(n))
	if err != nil {
		return c.fail(err)
	}
	return c.wait(c.pace.Down, int64(n))
}

// ReadFrom sends what r holds: a download. In clear and from a local file the
// kernel copies (sendfile).
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	if err := c.Flush(); err != nil {
		return 0, err
	}
	if f, ok := r.(osFile); ok && c.tls == nil {
		return c.sendFile(f)
	}
	all := copyBuffers.Get().(*[batch]byte)
	defer copyBuffers.Put(all)
	buf := all[:min(batch, step(c.pace.Down))]
	var total int64
	for {
		n, err := r.Read(buf)
		if n > 0 {
			sent, errSend := c.sendPart(buf[:n], n < len(buf))
			total += int64(sent)
			if errSend != nil {
				return total, errSend
			}
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// sendPart sends what was read of a file. The last part can wait for the end of
// the TLS channel, which Close says: both go in one write.
func (c *Conn) sendPart(p []byte, last bool) (int, error) {
	if !last || c.tls == nil || !unbounded(c.pace.Down) {
		return c.send(p)
	}
	n, err := c.tls.Write(p)
	return n, c.moved(n, err)
}

// Expect tells how many bytes the file to be sent has: it is not asked for more
// after these, nor for what is added to it meanwhile. Of none that may be wrong
// (/proc), and the file is read to its end.
func (c *Conn) Expect(size int64) { c.expected = size }

// sendFile lets the kernel copy. A slow client keeps its transfer as long as
// something moves within each time-out.
func (c *Conn) sendFile(f osFile) (int64, error) {
	if c.expected > coalesce {
		c.fillSegments()
	}
	var total int64
	var tempo tempo
	limited := &io.LimitedReader{R: f.OSFile()}
	for {
		limited.N = tempo.next(time.Now(), c.pace.Down)
		if left := c.expected - total; left > 0 {
			limited.N = min(limited.N, left)
		}
		c.wire.SetWriteDeadline(c.wire.deadline())
		n, err := c.wire.ReadFrom(limited)
		total += n
		c.sent.Add(n)
		if slow := c.wait(c.pace.Down, n); slow != nil {
			return total, slow
		}
		switch {
		case err == nil && (limited.N > 0 || total == c.expected):
			return total, nil
		case err == nil, n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case isLinkError(err):
			return total, c.fail(err)
		default: // the disk's
			return total, f.Translate(err)
		}
	}
}
