package data

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// chunk bounds one call of the kernel's copying. As measured, smaller ones
	// take more processor time, larger ones less throughput on a busy host.
	chunk = 4 << 20
	// closing is how long the end of a TLS channel may take to be said.
	closing = 5 * time.Second
)

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

	announced int64 // bytes of the upload as ALLO said; -1: it did not
	bareEnd   bool

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
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w for %s", ErrStalled, c.wire.timeout)
	}
	c.err.CompareAndSwap(nil, &err)
	return c.Err()
}

// handshake makes TLS of the channel before its first byte.
func (c *Conn) handshake() error {
	if c.ready {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.wire.timeout)
	defer cancel()
	if err := c.tls.HandshakeContext(ctx); err != nil {
		return c.fail(fmt.Errorf("TLS handshake on the data connection: %w", err))
	}
	acknowledgeAtOnce(c.wire.TCPConn)
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
			c.wire.timeout = min(c.wire.timeout, closing)
			c.tls.CloseWrite()
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
