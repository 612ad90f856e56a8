package status

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
)

// mostConnections is how many connections there may be at a time.
const mostConnections = 256

// Listen opens a TCP listener for the page.
func Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("status page: %w; choose another status.listen, or \"\" for none", err)
	}
	return &bounded{Listener: l}, nil
}

// bounded hangs up on those who are too many.
type bounded struct {
	net.Listener
	open atomic.Int32
}

// Accept is net.Listener's.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if b.open.Add(1) <= mostConnections {
			return &counted{Conn: conn, in: b}, nil
		}
		b.open.Add(-1)
		conn.Close()
	}
}

type counted struct {
	net.Conn
	in     *bounded
	closed atomic.Bool
}

// Close is net.Conn's.
func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.in.open.Add(-1)
	}
	return c.Conn.Close()
}

// SocketName is the Unix socket in the state folder that the command status asks.
const SocketName = "status.sock"

// ErrStateInUse: another server runs with the same state folder. Each would take what
// the other has on the router for its own, left over, and remove it.
var ErrStateInUse = errors.New("another natftpd runs with it")

// ListenLocal opens the Unix socket in the state folder, for whoever runs the
// server and nobody else: it wants no password. One that an earlier run left is
// replaced, one that somebody listens on is ErrStateInUse.
func ListenLocal(stateDir string) (net.Listener, error) {
	name := filepath.Join(stateDir, SocketName)
	fail := func(err error) (net.Listener, error) {
		return nil, fmt.Errorf("open %s: %w; natftpd status does without it where status.listen wants no password", name, err)
	}
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return fail(err)
	}
	if conn, err := net.Dial("unix", name); err == nil {
		conn.Close()
		return nil, fmt.Errorf("state_dir %s: %w", stateDir, ErrStateInUse)
	}
	if info, err := os.Lstat(name); err == nil && info.Mode().Type() == fs.ModeSocket {
		os.Remove(name)
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		return fail(err)
	}
	if err := os.Chmod(name, 0o600); err != nil {
		l.Close()
		return fail(err)
	}
	return l, nil
}
