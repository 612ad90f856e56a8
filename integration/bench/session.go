//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patience bounds everything that the client waits for, a transfer of 16 GiB over
	// TLS among it: a stuck server ends the run.
	patience = 2 * time.Minute
	user     = "bench"
	password = "bench"
	// slowUser has the same password, hashed by argon2id at the usual cost.
	slowUser = "slow"
)

// session is the client's side of a control connection. It knows just the FTP
// that a load needs, to cost as little as possible.
type session struct {
	conn net.Conn
	in   *bufio.Reader
	from *net.TCPAddr
	host netip.Addr
	// tls is nil in clear. A session has one of its own: its data connections
	// resume the TLS session of its control connection, as vsftpd demands.
	tls *tls.Config
}

// connect opens a control connection from an address of ours and reads the
// greeting.
func connect(ctx context.Context, to netip.AddrPort, from netip.Addr) (*session, error) {
	s := &session{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), host: to.Addr()}
	conn, err := s.dial(ctx, to)
	if err != nil {
		return nil, err
	}
	s.use(conn)
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := s.reply(220); err != nil {
		conn.Close()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return s, nil
}

func (s *session) dial(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	d := net.Dialer{LocalAddr: s.from, Timeout: patience, KeepAlive: -1, Control: anyFreePort}
	conn, err := d.DialContext(ctx, "tcp4", to.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// anyFreePort leaves the choice of our port to connect, which takes one that is free
// towards this port of the server. bind takes one that is free altogether, and after
// 28,000 uploads within a minute, whose ends wait on our side (TIME_WAIT), finds none
// for milliseconds.
func anyFreePort(_, _ string, raw syscall.RawConn) error {
	var errSet error
	err := raw.Control(func(fd uintptr) {
		errSet = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	return cmp.Or(err, errSet)
}

func (s *session) use(conn net.Conn) {
	s.conn, s.in = conn, bufio.NewReaderSize(conn, 1<<10)
}

// secure upgrades to TLS (RFC 4217, section 4), and the data connections to come.
func (s *session) secure() error {
	if _, err := s.do(234, "AUTH TLS"); err != nil {
		return err
	}
	s.tls = &tls.Config{
		InsecureSkipVerify: true, // our own certificate, on loopback
		ServerName:         "bench",
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
		MinVersion:         tls.VersionTLS13, // discardRecords knows no other
		// Of all the servers only natftpd exchanges keys by ML-KEM, too: so that each
		// does the same.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384},
	}
	s.use(tls.Client(s.conn, s.tls))
	for _, command := range []string{"PBSZ 0", "PROT P"} {
		if _, err := s.do(200, command); err != nil {
			return err
		}
	}
	return nil
}

// login logs in and says that files are binary.
func (s *session) login(user string) error {
	if _, err := s.do(331, "USER "+user); err != nil {
		return err
	}
	if _, err := s.do(230, "PASS "+password); err != nil {
		return err
	}
	_, err := s.do(200, "TYPE I")
	return err
}

// quit says goodbye; close does not.
func (s *session) quit() error {
	_, err := s.do(221, "QUIT")
	s.close()
	return err
}

func (s *session) close() { s.conn.Close() }

// do sends a command and reads its reply, which must have this code.
func (s *session) do(code int, command string) (string, error) {
	if err := s.send(command); err != nil {
		return "", err
	}
	text, err := s.reply(code)
	if err != nil {
		return "", fmt.Errorf("%.40s: %w", command, err)
	}
	return text, nil
}

func (s *session) send(command string) error {
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := s.conn.Write(append([]byte(command), "\r\n"...))
	return err
}

// reply reads a reply, of several lines if need be (RFC 959, section 4.2), and
// returns the last.
func (s *session) reply(code int) (string, error) {
	var first []byte
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if first == nil {
			first = append(first, line[:min(3, len(line))]...)
		}
		if len(line) < 4 || line[3] != ' ' || !bytes.HasPrefix(line, first) {
			continue
		}
		text := string(bytes.TrimSpace(line))
		if got, _ := strconv.Atoi(string(first)); got != code { // what is no number is not the code
			return "", fmt.Errorf("reply %q, want %d", text, code)
		}
		return text, nil
	}
}
