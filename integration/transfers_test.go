//go:build linux

package integration

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// testTransfers downloads a file again and again in one session.
func testTransfers(t *testing.T, h *lab.Host, s *server, at netip.Addr, times int) {
	t.Helper()
	want := randomFile(t, filepath.Join(s.home, "again.bin"))
	c := s.login(t, h, at)
	for i := range times {
		got, err := c.download(h, "again.bin")
		if err != nil {
			t.Fatalf("transfer %d: %v", i+1, err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("transfer %d: got %d bytes that differ from the %d of the file", i+1, len(got), len(want))
		}
	}
}

// login opens a session for binary transfers that ends with the test.
func (s *server) login(t *testing.T, h *lab.Host, at netip.Addr) *session {
	t.Helper()
	return logIn(t, h, s.at(at))
}

func logIn(t *testing.T, h dialer, to netip.AddrPort) *session {
	t.Helper()
	c, err := dialSession(h, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.ask(200, "TYPE I"); err != nil {
		t.Fatal(err)
	}
	return c
}

// download fetches a file by PASV.
func (s *session) download(h dialer, name string) ([]byte, error) {
	data, err := s.open(h, "RETR "+name)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	content, err := io.ReadAll(data)
	if err != nil {
		return nil, err
	}
	_, err = s.reply(226, "RETR")
	return content, err
}

// upload stores a file by PASV.
func (s *session) upload(h dialer, name string, content []byte) error {
	data, err := s.open(h, "STOR "+name)
	if err != nil {
		return err
	}
	defer data.Close()
	if _, err := data.Write(content); err != nil {
		return err
	}
	if err := data.Close(); err != nil {
		return err
	}
	_, err = s.reply(226, "STOR")
	return err
}

// open makes the data connection of a transfer, to the very address that 227 names.
func (s *session) open(h dialer, command string) (net.Conn, error) {
	to, err := s.pasv()
	if err != nil {
		return nil, err
	}
	data, err := h.Dial(to)
	if err != nil {
		return nil, err
	}
	if _, err = s.ask(150, command); err == nil {
		err = data.SetDeadline(time.Now().Add(answerWithin))
	}
	if err != nil {
		data.Close()
		return nil, err
	}
	return data, nil
}
