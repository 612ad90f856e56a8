//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// channel is a data connection: the TCP connection, and the TLS channel above it
// where there is one.
type channel struct {
	tcp *net.TCPConn
	// In clear both are nil.
	tls *tls.Conn
	out *gathering
}

// stream is what carries the bytes.
func (c channel) stream() net.Conn {
	if c.tls != nil {
		return c.tls
	}
	return c.tcp
}

// gathering is a TCP connection below TLS, which writes record by record: a client
// that made a system call for each would be what an upload measures. What was gathered
// goes when it is much, when something is awaited, and with flush.
type gathering struct {
	*net.TCPConn
	out []byte
}

func (g *gathering) Write(p []byte) (int, error) {
	g.out = append(g.out, p...)
	if len(g.out) < gulp {
		return len(p), nil
	}
	return len(p), g.flush()
}

func (g *gathering) Read(p []byte) (int, error) {
	if err := g.flush(); err != nil {
		return 0, err
	}
	return g.TCPConn.Read(p)
}

func (g *gathering) flush() error {
	if len(g.out) == 0 {
		return nil
	}
	_, err := g.TCPConn.Write(g.out)
	g.out = g.out[:0]
	return err
}

// SetWriteDeadline does nothing: after close_notify TLS lets no more be written, but
// that is still to go.
func (g *gathering) SetWriteDeadline(time.Time) error { return nil }

// secure makes TLS of a channel.
func (c channel) secure(ctx context.Context, cfg *tls.Config) (channel, error) {
	c.out = &gathering{TCPConn: c.tcp}
	c.tls = tls.Client(c.out, cfg)
	return c, c.tls.HandshakeContext(ctx)
}

// transfer runs a command over a data connection (EPSV, RFC 2428) and hands the
// connection to move.
func (s *session) transfer(ctx context.Context, command string, move func(channel) error) error {
	text, err := s.do(229, "EPSV")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(text, "(")
	port, err := strconv.ParseUint(strings.Trim(rest, "|)."), 10, 16)
	if err != nil {
		return fmt.Errorf("EPSV: reply %q names no port", text)
	}
	tcp, err := s.dial(ctx, netip.AddrPortFrom(s.host, uint16(port)))
	if err != nil {
		return err
	}
	defer tcp.Close()
	if err := tcp.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := s.do(150, command); err != nil {
		return err
	}
	c := channel{tcp: tcp}
	if s.tls != nil {
		if c, err = c.secure(ctx, s.tls); err != nil {
			return fmt.Errorf("%.40s: TLS handshake: %w", command, err)
		}
	}
	if err := move(c); err != nil {
		return fmt.Errorf("%.40s: %w", command, err)
	}
	if err := tcp.Close(); err != nil { // ProFTPD waits for it before it replies
		return err
	}
	if _, err = s.reply(226); err != nil {
		return fmt.Errorf("%.40s: %w", command, err)
	}
	return nil
}

// sendFile sends a file of ours: in clear the kernel does (sendfile).
func (c channel) sendFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if c.tls == nil {
		_, err = c.tcp.ReadFrom(f)
	} else {
		_, err = io.CopyBuffer(c.tls, struct{ io.Reader }{f}, make([]byte, gulp))
	}
	if err != nil {
		return err
	}
	return c.end()
}

// sendBytes sends what is in memory.
func (c channel) sendBytes(b []byte) error {
	if _, err := c.stream().Write(b); err != nil {
		return err
	}
	return c.end()
}

// end says that an upload is whole. Over TLS it waits until the server has heard
// it: closing with the server's session ticket unread would reset the connection.
func (c channel) end() error {
	if c.tls == nil {
		return nil
	}
	if err := c.goodbye(); err != nil {
		return err
	}
	if err := c.tcp.CloseWrite(); err != nil {
		return err
	}
	_, err := c.discardBytes(0)
	return err
}

// goodbye sends close_notify, and before it all that was gathered.
func (c channel) goodbye() error {
	if err := c.tls.CloseWrite(); err != nil {
		return err
	}
	return c.out.flush()
}

// into reads everything as a careful client does, for the checks before the
// measurement.
func into(w io.Writer) func(channel) error {
	return func(c channel) error {
		_, err := io.Copy(w, c.stream())
		return err
	}
}
