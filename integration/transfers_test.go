//go:build linux

package integration

import (
	"bytes"
	"io"
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
	c, err := dialSession(h, s.at(at))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ask(200, "TYPE I"); err != nil {
		t.Fatal(err)
	}
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

// download fetches a file by PASV, from the very address that 227 names.
func (s *session) download(h *lab.Host, name string) ([]byte, error) {
	to, err := s.pasv()
	if err != nil {
		return nil, err
	}
	data, err := h.Dial(to)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	if err := data.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return nil, err
	}
	if _, err := s.ask(150, "RETR "+name); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(data)
	if err != nil {
		return nil, err
	}
	_, err = s.reply(226, "RETR "+name)
	return content, err
}
