package data

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"time"
)

// ErrCutOff: an upload over TLS ended without the channel's close_notify, so
// that anybody on the way may have cut it (RFC 8446, section 6.1). Some clients
// never learnt it (FtpWebRequest of the .NET Framework). vsftpd and FileZilla Server
// refuse such an end too, ProFTPD and Pure-FTPd take it.
var ErrCutOff = errors.New("TLS channel ended without close_notify, the file may be incomplete")

// Announce tells how many bytes the client said it is going to upload (ALLO). An
// upload of just so many is whole even where its TLS channel is not closed:
// lftp, which announces, loses its close_notify when its socket is full
// (https://github.com/lavv17/lftp/issues/753).
func (c *Conn) Announce(size int64) { c.announced = size }

// Confirm has f asked whether an upload in clear is whole when its data ends: a
// FIN says nothing of why. An error of f is the connection's.
func (c *Conn) Confirm(f func() error) { c.confirm = f }

// whole is the end of an upload in clear.
func (c *Conn) whole() error {
	if c.confirm == nil {
		return nil
	}
	return c.fail(c.confirm())
}

// beginUpload is the handshake and what eases the client's sending after it.
func (c *Conn) beginUpload() error {
	if c.ready {
		return nil
	}
	err := c.handshake()
	if err == nil {
		acknowledgeAtOnce(c.wire.TCPConn)
	}
	return err
}

// Read reads what the client sends.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.beginUpload(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), step(c.pace.Up))])
	received := c.received.Add(int64(n))
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF):
		return n, c.fail(err)
	// The TLS channel that has read its close_notify does not read on to the FIN.
	case c.tls != nil && c.wire.ended && received != c.announced:
		return n, c.fail(ErrCutOff)
	case c.tls == nil:
		if cut := c.whole(); cut != nil {
			return n, cut
		}
	}
	if slow := c.wait(c.pace.Up, int64(n)); slow != nil {
		err = slow
	}
	return n, err
}

// room is a file whose account has a quota: what the kernel is to write past it
// is reserved before. A grant may be less than was asked for; of none, all has
// to go through the file's Write, which knows exactly what fits.
type room interface {
	Reserve(n int64) (granted int64)
	Release(n int64)
}

// unlimited is the room of a file without quota.
type unlimited struct{}

func (unlimited) Reserve(n int64) int64 { return n }
func (unlimited) Release(int64)         {}

// WriteTo stores what the client sends into w: an upload. In clear and into a
// local file the kernel copies (splice), but not at the beginning: a small file
// costs less through a buffer than through the pipe that splice needs.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if err := c.beginUpload(); err != nil {
		return 0, err
	}
	f, local := w.(osFile)
	if !local || c.tls != nil {
		all := copyBuffers.Get().(*[batch]byte)
		defer copyBuffers.Put(all)
		total, _, err := c.receive(w, all[:], math.MaxInt64)
		return total, err
	}
	begin := writeBuffers.Get().(*[coalesce]byte)
	total, more, err := c.receive(w, begin[:], coalesce)
	writeBuffers.Put(begin)
	if !more {
		return total, err
	}
	copied, more, err := c.receiveFile(f)
	total += copied
	if !more {
		return total, err
	}
	all := copyBuffers.Get().(*[batch]byte)
	defer copyBuffers.Put(all)
	rest, _, err := c.receive(w, all[:], math.MaxInt64)
	return total + rest, err
}

// receive stores through Write: until the end, or until there were enough bytes
// and there may be more to come. Of TLS it takes what has come already at once.
func (c *Conn) receive(w io.Writer, buf []byte, enough int64) (total int64, more bool, err error) {
	if c.tls != nil {
		c.wire.readAhead()
		defer c.wire.stopAhead()
	}
	for total < enough {
		n, err := c.Read(buf)
		for err == nil && len(buf)-n >= record && c.wire.ahead() > 0 {
			var more int
			more, err = c.Read(buf[n:])
			n += more
		}
		if n > 0 {
			if _, errWrite := w.Write(buf[:n]); errWrite != nil {
				return total, false, errWrite
			}
			total += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return total, false, nil
		}
		if err != nil {
			return total, false, err
		}
	}
	return total, true, nil
}

// receiveFile lets the kernel copy, until the end, or until there is no room
// for it: then there may be more to come.
func (c *Conn) receiveFile(f osFile) (total int64, more bool, err error) {
	quota, ok := f.(room)
	if !ok {
		quota = unlimited{}
	}
	var tempo tempo
	limited := &io.LimitedReader{R: c.wire.TCPConn}
	for {
		granted := quota.Reserve(tempo.next(time.Now(), c.pace.Up))
		if granted <= 0 {
			return total, true, nil
		}
		limited.N = granted
		c.wire.SetReadDeadline(c.wire.deadline())
		n, err := f.OSFile().ReadFrom(limited)
		if n < granted {
			quota.Release(granted - n)
		}
		total += n
		c.received.Add(n)
		if slow := c.wait(c.pace.Up, n); slow != nil {
			return total, false, slow
		}
		switch {
		case err == nil && limited.N > 0:
			return total, false, c.whole()
		case err == nil, n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		case isLinkError(err):
			var path *fs.PathError
			if errors.As(err, &path) {
				err = path.Err // the file is not at fault, and its name nobody's business
			}
			return total, false, c.fail(err)
		default:
			return total, false, f.Translate(err)
		}
	}
}
