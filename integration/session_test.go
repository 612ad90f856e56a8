//go:build linux

package integration

import (
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"regexp"
	"strconv"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// answerWithin bounds each exchange of a session.
const answerWithin = 10 * time.Second

// session is a raw control connection: it sees replies as they are, where real
// clients interpret them.
type session struct {
	*textproto.Conn
	socket net.Conn
}

// dialer is where a client is: a host of the lab, or this one.
type dialer interface {
	Dial(to netip.AddrPort) (net.Conn, error)
}

// dialSession connects and logs in as alice.
func dialSession(h dialer, to netip.AddrPort) (*session, error) {
	socket, err := h.Dial(to)
	if err != nil {
		return nil, err
	}
	s := &session{textproto.NewConn(socket), socket}
	if err := s.login(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) login() error {
	if _, err := s.reply(220, "the greeting"); err != nil {
		return err
	}
	if _, err := s.ask(331, "USER "+user); err != nil {
		return err
	}
	_, err := s.ask(230, "PASS "+password)
	return err
}

// ask sends a command and returns the text of the reply it wants.
func (s *session) ask(want int, command string) (string, error) {
	if err := s.PrintfLine("%s", command); err != nil {
		return "", err
	}
	return s.reply(want, command)
}

func (s *session) reply(want int, to string) (string, error) {
	if err := s.socket.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return "", err
	}
	_, text, err := s.ReadResponse(want)
	if err != nil {
		return "", fmt.Errorf("reply to %s: %w", to, err)
	}
	return text, nil
}

// The classic forms, as NAT helpers parse them (RFC 959, RFC 2428 section 3).
var (
	reply227 = regexp.MustCompile(`\((\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\)`)
	reply229 = regexp.MustCompile(`\(\|\|\|(\d+)\|\)`)
)

// pasv asks where to connect to.
func (s *session) pasv() (netip.AddrPort, error) {
	text, err := s.ask(227, "PASV")
	if err != nil {
		return netip.AddrPort{}, err
	}
	m := reply227.FindStringSubmatch(text)
	if m == nil {
		return netip.AddrPort{}, fmt.Errorf("227 carries no address: %s", text)
	}
	var b [6]byte
	for i, field := range m[1:] {
		n, err := strconv.ParseUint(field, 10, 8)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("227 %s: %w", text, err)
		}
		b[i] = byte(n)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(b[4])<<8|uint16(b[5])), nil
}

// epsv asks which port to connect to.
func (s *session) epsv() (uint16, error) {
	text, err := s.ask(229, "EPSV")
	if err != nil {
		return 0, err
	}
	m := reply229.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("229 carries no port: %s", text)
	}
	port, err := strconv.ParseUint(m[1], 10, 16)
	return uint16(port), err
}

// told says whether a new client is told an address in 227, and a port of the
// passive range.
func told(h *lab.Host, at netip.AddrPort, want netip.Addr) error {
	s, err := dialSession(h, at)
	if err != nil {
		return err
	}
	defer s.Close()
	got, err := s.pasv()
	if err != nil {
		return err
	}
	if got.Addr() != want || !passive(got.Port()) {
		return fmt.Errorf("227 to a client on %s: got %v, want %v and a port of the passive range", h.Name, got, want)
	}
	return nil
}

// passive says whether a port is in the default passive range.
func passive(port uint16) bool { return 50000 <= port && port <= 50009 }

func mustBeTold(t *testing.T, h *lab.Host, at netip.AddrPort, want netip.Addr) {
	t.Helper()
	if err := told(h, at, want); err != nil {
		t.Error(err)
	}
}
