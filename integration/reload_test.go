//go:build linux

package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jlaffaye/ftp"

	"natftpd/integration/lab"
)

const (
	busyClients = 20
	reloads     = 30
	// putInForce is how long a change of the file may take to be in force: it is
	// left to settle for half a second.
	putInForce = 20 * time.Second
)

// What a change does not concern goes on through it: twenty sessions that transfer all
// the time notice nothing of thirty changes, among them the very ports they use.
func TestThirtyChangesUnderLoadBreakNothing(t *testing.T) {
	s := configureLocal(t, "max_sessions: 100, max_sessions_per_ip: 100, new_sessions_per_ip: 100")
	s.start(t)
	original, err := os.ReadFile(filepath.Join(s.dir, "natftpd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	transfers := make([]atomic.Int64, busyClients)
	for i := range busyClients {
		// Each has an address of its own, so that none waits for another's port.
		dialer := net.Dialer{Timeout: answerWithin, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i))}}
		c, err := ftp.Dial(s.addr.String(), ftp.DialWithDialer(dialer), ftp.DialWithDisabledEPSV(i%2 == 0))
		if err == nil {
			err = c.Login(user, password)
		}
		if err != nil {
			t.Fatal(err)
		}
		clients.Go(func() {
			defer func() { _ = c.Quit() }()
			for ctx.Err() == nil {
				if err := thereAndBack(c, fmt.Sprintf("file%d", i), transfers[i].Load()); err != nil {
					t.Errorf("client %d, transfer %d: %v", i, transfers[i].Load(), err)
					return
				}
				transfers[i].Add(1)
			}
		})
	}
	for n := range reloads {
		text, log := changed(t, s, string(original), n)
		before := strings.Count(s.Log(), log)
		if err := os.WriteFile(filepath.Join(s.dir, "natftpd.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if n%3 == 0 { // and else it is noticed
			if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}
		lab.Await(t, putInForce, func() error {
			if strings.Count(s.Log(), log) == before {
				return fmt.Errorf("change %d: the log does not say %q again", n, log)
			}
			return nil
		})
	}
	stop()
	clients.Wait()
	for i := range transfers {
		if transfers[i].Load() == 0 {
			t.Errorf("client %d got nothing done", i)
		}
	}
}

// changed is another configuration than the one before, and what the log says of it.
func changed(t *testing.T, s *local, original string, n int) (text, log string) {
	t.Helper()
	const done = "configuration read again"
	port, passive, err := newPortBlocks().next()
	if err != nil {
		t.Fatal(err)
	}
	rest := original[strings.Index(original, "\n"):]
	ftpOf := func(listen, more string) string {
		return fmt.Sprintf("ftp: {listen: %q, passive_ports: %s, max_sessions: 100, max_sessions_per_ip: 100, %s}", listen, passive, more) + rest
	}
	switch n % 6 {
	case 0: // other passive ports
		return ftpOf(s.addr.String(), "active_mode: true"), done
	case 1: // another control port
		return ftpOf(fmt.Sprintf("127.0.0.1:%d", port), "idle_timeout: 10s"), done
	case 2: // the control port on every address, and shorter time-outs
		return ftpOf(fmt.Sprintf(":%d", s.addr.Port()), "data_timeout: 5s, active_mode: false"), done
	case 3: // a mistake
		return ftpOf(s.addr.String(), "idle_timeout: soon"), "the old one stays in force"
	case 4: // one user more, TLS for everybody who comes from now on, fewer sessions than there are
		return ftpOf(s.addr.String(), "max_sessions_per_user: 1, listen_tls: "+s.tlsAddr.String()) + account(fmt.Sprintf("guest%d", n), s.home) + "tls: {mode: required}\nbans: {after: 0}\n", done
	default: // a port that somebody else has
		return ftpOf(s.addr.String(), fmt.Sprintf("listen_tls: %q", foreign(t))), "the old one stays in force"
	}
}

// foreign is an address of this host on which somebody else listens.
func foreign(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// thereAndBack uploads a file and downloads it again.
func thereAndBack(c *ftp.ServerConn, name string, n int64) error {
	sent := bytes.Repeat(fmt.Appendf(nil, "%s, transfer %d\n", name, n), 20_000)
	if err := c.Stor(name, bytes.NewReader(sent)); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	r, err := c.Retr(name)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	got, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("download: %w", err)
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("download: got %d bytes that are not the %d that were sent", len(got), len(sent))
	}
	return nil
}
