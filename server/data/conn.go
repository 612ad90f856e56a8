package data

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// coalesce is how much a listing is gathered into one write: two full
	// TLS records.
	coalesce = 32 << 10
	// chunk bounds one call of the kernel's copying, so that limits and
	// counters are looked at now and then.
	chunk = 64 << 20
	// closing is how long the end of a TLS channel may take to be said.
	closing = 5 * time.Second
)

// ErrStalled: nothing moved on the connection for the time-out.
var ErrStalled = errors.New("data connection stands still")

// ErrAborted: Abort ended the transfer.
var ErrAborted = errors.New("transfer aborted")

var (
	writeBuffers = sync.Pool{New: func() any { return new([coalesce]byte) }}
	copyBuffers  = sync.Pool{New: func() any { return new([256 << 10]byte) }}
)

// Conn is a data connection in the hands of one transfer. Small writes are
// gathered; copying from and to local files is left to the kernel (sendfile,
// splice) where the channel is clear; every step has to move within the
// time-out. Abort and the counters may be called from any goroutine, the rest
// by one at a time.
type Conn struct {
	net.Conn // the TCP connection, or the TLS channel above it
	tcp      *net.TCPConn
	tls      *tls.Conn // nil in clear
	timeout  time.Duration

	buf  *[coalesce]byte // what Write gathered; nil when empty
	used int

	sent, received atomic.Int64
	once           sync.Once
	err            atomic.Pointer[error]
}

// NewConn takes over a connection that an Endpoint opened. With a tlsConfig the
// channel is TLS; the handshake waits for the first byte, since clients begin
// theirs only after they have read the 150 reply.
func NewConn(tcp *net.TCPConn, tlsConfig *tls.Config, timeout time.Duration) *Conn {
	Tune(tcp, timeout)
	c := &Conn{Conn: tcp, tcp: tcp, timeout: timeout}
	if tlsConfig != nil {
		c.tls = tls.Server(tcp, tlsConfig)
		c.Conn = c.tls
	}
	return c
}

// Sent and Received count the transfer's bytes.
func (c *Conn) Sent() int64     { return c.sent.Load() }
func (c *Conn) Received() int64 { return c.received.Load() }

// Err is what went wrong with the connection, as opposed to the file; nil so
// far nothing.
func (c *Conn) Err() error {
	if e := c.err.Load(); e != nil {
		return *e
	}
	return nil
}

// fail remembers the first error of the connection.
func (c *Conn) fail(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w for %s", ErrStalled, c.timeout)
	}
	c.err.CompareAndSwap(nil, &err)
	return c.Err()
}

// handshake makes TLS of the channel before its first byte.
func (c *Conn) handshake() error {
	if c.tls == nil || c.tls.ConnectionState().HandshakeComplete {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	if err := c.tls.HandshakeContext(ctx); err != nil {
		return c.fail(fmt.Errorf("TLS handshake on the data connection: %w", err))
	}
	acknowledgeAtOnce(c.tcp)
	return nil
}

// Read reads what the client sends.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	c.tcp.SetReadDeadline(time.Now().Add(c.timeout))
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		err = c.fail(err)
	}
	return n, err
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

// send writes p whole, as long as something moves within the time-out. A TLS
// record that was cut by a deadline can't be continued, so there the whole of p
// has to.
func (c *Conn) send(p []byte) (int, error) {
	total := 0
	for {
		c.tcp.SetWriteDeadline(time.Now().Add(c.timeout))
		n, err := c.Conn.Write(p[total:])
		total += n
		c.sent.Add(int64(n))
		if err == nil {
			return total, nil
		}
		if n == 0 || c.tls != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return total, c.fail(err)
		}
	}
}

// osFile is a file of the local disk below whatever the driver wraps it in, and
// the driver's way of telling its errors.
type osFile interface {
	OSFile() *os.File
	Translate(error) error
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
	buf := copyBuffers.Get().(*[256 << 10]byte)
	defer copyBuffers.Put(buf)
	var total int64
	for {
		n, err := r.Read(buf[:])
		if n > 0 {
			sent, errSend := c.send(buf[:n])
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

// sendFile lets the kernel copy. A slow client keeps its transfer as long as
// something moves within each time-out.
func (c *Conn) sendFile(f osFile) (int64, error) {
	var total int64
	for {
		c.tcp.SetWriteDeadline(time.Now().Add(c.timeout))
		n, err := c.tcp.ReadFrom(&io.LimitedReader{R: f.OSFile(), N: chunk})
		total += n
		c.sent.Add(n)
		switch {
		case err == nil && n < chunk:
			return total, nil
		case err == nil, n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case isLinkError(err):
			return total, c.fail(err)
		default: // the disk's
			return total, f.Translate(err)
		}
	}
}

// WriteTo stores what the client sends into w: an upload. In clear and into a
// local file the kernel copies (splice).
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	if f, ok := w.(osFile); ok && c.tls == nil {
		return c.receiveFile(f)
	}
	buf := copyBuffers.Get().(*[256 << 10]byte)
	defer copyBuffers.Put(buf)
	var total int64
	for {
		n, err := c.Read(buf[:])
		if n > 0 {
			if _, errWrite := w.Write(buf[:n]); errWrite != nil {
				return total, errWrite
			}
			total += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

func (c *Conn) receiveFile(f osFile) (int64, error) {
	var total int64
	for {
		c.tcp.SetReadDeadline(time.Now().Add(c.timeout))
		limited := &io.LimitedReader{R: c.tcp, N: chunk}
		n, err := f.OSFile().ReadFrom(limited)
		total += n
		c.received.Add(n)
		switch {
		case err == nil && limited.N > 0:
			return total, nil
		case err == nil, n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case isLinkError(err):
			var path *fs.PathError
			if errors.As(err, &path) {
				err = path.Err // the file is not at fault, and its name nobody's business
			}
			return total, c.fail(err)
		default:
			return total, f.Translate(err)
		}
	}
}

// isLinkError tells a broken connection from a broken disk where one system
// call touches both.
func isLinkError(err error) bool {
	var op *net.OpError
	for _, e := range []error{os.ErrDeadlineExceeded, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE,
		syscall.ETIMEDOUT, syscall.ECONNABORTED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.As(err, &op) && op.Op == "read"
}

// Close sends the rest and ends the connection in order. After Abort or an
// error it cuts it, lest the client take half a file for a whole one.
func (c *Conn) Close() error {
	var err error
	c.once.Do(func() {
		if c.Err() == nil {
			err = c.Flush()
		}
		if c.buf != nil {
			writeBuffers.Put(c.buf)
			c.buf = nil
		}
		if c.Err() != nil {
			c.tcp.SetLinger(0)
		} else if c.tls != nil {
			c.tcp.SetWriteDeadline(time.Now().Add(closing))
			c.tls.CloseWrite()
		}
		if e := c.tcp.Close(); err == nil {
			err = e
		}
	})
	return err
}

// Abort cuts the connection at once, from any goroutine. Whoever reads or
// writes gets ErrAborted, and so does Err.
func (c *Conn) Abort() {
	err := error(ErrAborted)
	c.err.CompareAndSwap(nil, &err)
	c.tcp.SetLinger(0)
	c.tcp.Close()
}
