//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// discard throws away what comes, at least so many bytes: in clear the kernel does.
func discard(least int64) func(channel) error {
	return func(c channel) error {
		throw := c.discardBytes
		if c.tls != nil {
			throw = c.discardRecords
		}
		n, err := throw(least)
		if err == nil && n < least {
			err = fmt.Errorf("%d bytes came, want %d", n, least)
		}
		return err
	}
}

// dropped is how much drain throws away at a time, from a buffer that is never
// touched.
const dropped = 1 << 20

// discardBytes has the kernel throw away what comes until the end.
func (c channel) discardBytes(int64) (total int64, err error) {
	raw, err := c.tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, _, err := unix.Recvfrom(int(fd), untouched[:], unix.MSG_TRUNC)
			switch err {
			case nil:
				if n == 0 {
					return true
				}
				total += int64(n)
			case unix.EINTR:
			case unix.EAGAIN:
				return false
			default:
				failed = err
				return true
			}
		}
	})
	if failed != nil {
		err = os.NewSyscallError("recvfrom", failed)
	}
	return total, err
}

// untouched is where the kernel would put what it discards.
var untouched [dropped]byte

const (
	// recordHeader and recordExtra are what TLS 1.3 adds to each record's content:
	// the header, then the content's type and AES-GCM's tag (RFC 8446, section 5.2).
	recordHeader, recordExtra = 5, 17
	// alert is the content of an alert record; close_notify is one (section 6).
	alert = 2
	// gulp is how much TLS is read or written at a time.
	gulp = 256 << 10
)

// discardRecords throws away TLS records without decrypting them, and answers the
// server's close_notify with ours, for which vsftpd waits. The alert is told by its
// size once all the content is there; so it counts whatever else came as content,
// too: session tickets.
func (c channel) discardRecords(least int64) (total int64, err error) {
	if err := c.out.flush(); err != nil { // the end of the handshake
		return 0, err
	}
	buf := make([]byte, min(gulp, least+recordHeader+record))
	for start, end := 0, 0; ; {
		n, err := c.tcp.Read(buf[end:])
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		end += n
		for skip := 0; end-start >= recordHeader; start += skip {
			length := int(binary.BigEndian.Uint16(buf[start+3:]))
			if skip = recordHeader + length; end-start < skip {
				break
			}
			total += int64(length - recordExtra)
			if length == alert+recordExtra && total >= least {
				return total, c.goodbye()
			}
		}
		end = copy(buf, buf[start:end])
		start = 0
	}
}
