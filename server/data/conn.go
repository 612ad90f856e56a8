package data

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// chunk bounds one call of the kernel's copying. As measured, smaller ones take
// more processor time, larger ones less throughput on a busy host.
const chunk = 4 << 20

// ErrStalled: nothing moved on the connection for the time-out.
var ErrStalled = errors.New("data connection stands still")

// ErrAborted: Abort ended the transfer.
var ErrAborted = errors.New("transfer aborted")

// Conn is a data connection in the hands of one transfer. Small writes are
// gathered; copying from and to local files is left to the kernel (sendfile,
// splice) where the channel is clear; every step has to move within the
// time-out. Abort and the counters may be called from any goroutine, the rest
// by one at a time.
type Conn struct {
	net.Conn // the wire, or the TLS channel above it
	wire     *wire
	tls      *tls.Conn // nil in clear
	ready    bool      // the handshake is done, or none is needed
	pace     Pace

	buf  *[coalesce]byte // what Write gathered; nil when empty
	used int

	announced int64        // bytes of the upload as ALLO said; -1: it did not
	expected  int64        // bytes of the download; 0 or less: not known
	full      bool         // segments leave only when they are full
	confirm   func() error // nil: nobody is asked

	sent, received atomic.Int64
	close, abort   sync.Once
	aborted        chan struct{}
	err            atomic.Pointer[error]
}

// NewConn takes over a connection that an Endpoint opened. With a tlsConfig the
// channel is TLS; the handshake waits for the first byte, since clients begin
// theirs only after they have read the 150 reply. What does not move for
// timeout stands still; waiting for the pace does not count.
func NewConn(tcp *net.TCPConn, tlsConfig *tls.Config, timeout time.Duration, pace Pace) *Conn {
	c := &Conn{wire: &wire{TCPConn: tcp, timeout: timeout}, pace: pace, announced: -1, aborted: make(chan struct{})}
	c.Conn, c.ready = c.wire, tlsConfig == nil
	if tlsConfig != nil {
		c.wire.gathers = true
		c.tls = tls.Server(c.wire, tlsConfig)
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
	err = c.plainly(err)
	c.err.CompareAndSwap(nil, &err)
	return c.Err()
}

// plainly says what an error of the channel means here.
func (c *Conn) plainly(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w for %s", ErrStalled, c.wire.timeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCutOff
	}
	return err
}

// handshake makes TLS of the channel before its first byte.
func (c *Conn) handshake() error {
	if c.ready {
		return nil
	}
	c.wire.until = time.Now().Add(c.wire.timeout)
	c.wire.readFewAhead()
	c.wire.keeps = true // for EaseResumption
	err := c.tls.Handshake()
	c.wire.until, c.wire.keeps = time.Time{}, false
	if c.wire.ahead() == 0 {
		c.wire.stopAhead()
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the client hung up")
	}
	if err != nil {
		c.wire.flush() // the alert that tells the client why
		return c.fail(fmt.Errorf("TLS handshake on the data connection: %w", c.plainly(err)))
	}
	c.ready = true
	return nil
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
	c.close.Do(func() {
		if c.Err() == nil {
			err = c.Flush()
		}
		if c.buf != nil {
			writeBuffers.Put(c.buf)
			c.buf = nil
		}
		if c.Err() != nil {
			c.wire.SetLinger(0)
		} else if c.tls != nil {
			rest := c.wire.out != nil
			c.tls.CloseWrite()
			// An uploader need not wait for our close_notify.
			if gone := c.wire.flush(); gone != nil && rest {
				err = c.fail(gone)
			}
		}
		if e := c.wire.Close(); err == nil {
			err = e
		}
	})
	return err
}

// Abort cuts the connection at once, from any goroutine. Whoever reads, writes
// or waits for the pace gets ErrAborted, and so does Err.
func (c *Conn) Abort() {
	c.abort.Do(func() {
		err := error(ErrAborted)
		c.err.CompareAndSwap(nil, &err)
		close(c.aborted)
		c.wire.SetLinger(0)
		c.wire.Close()
	})
}
