//go:build linux

package integration

import (
	"bytes"
	"io"
	"net/netip"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// What other hosts had forwarded before is theirs, and no client is sent there.
func TestPortsOfOtherHostsAreLeftAlone(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{UPnP: lab.IGD1})
	ours, theirs := rulesFor(2121), []lab.Rule(nil)
	for i, rule := range ours {
		if i == 3 || i == 4 || i == 10 {
			forwardToNeighbour(t, l, rule.External)
			ours[i].To = netip.AddrPortFrom(lab.NeighbourAddr, rule.External)
			theirs = append(theirs, ours[i])
		}
	}
	if err := rulesAre(t, l.Router, theirs); err != nil {
		t.Fatal(err)
	}
	s := serve(t, l.Server, 2121, l.STUN)
	lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, ours) })
	t.Run("100 transfers in a row", func(t *testing.T) { testTransfers(t, l, s, 100) })
	if err := rulesAre(t, l.Router, ours); err != nil {
		t.Error(err)
	}
	s.stop(t)
	if err := rulesAre(t, l.Router, theirs); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func forwardToNeighbour(t *testing.T, l *lab.Lab, port uint16) {
	t.Helper()
	number := strconv.Itoa(int(port))
	l.Neighbour.Run(t, "upnpc", "-a", lab.NeighbourAddr.String(), number, number, "TCP")
}

// testTransfers downloads a file again and again in one session.
func testTransfers(t *testing.T, l *lab.Lab, s *server, times int) {
	want := randomFile(t, filepath.Join(s.home, "again.bin"))
	c, err := dialSession(l.Internet, s.at(lab.WANAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ask(200, "TYPE I"); err != nil {
		t.Fatal(err)
	}
	for i := range times {
		got, err := c.download(l.Internet, "again.bin")
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
