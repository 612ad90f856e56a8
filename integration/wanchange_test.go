//go:build linux

package integration

import (
	"crypto/rand"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// testWANChanges moves the WAN address three times. Each time a new client is
// soon told the new one, while a neighbour's transfer never stops.
func testWANChanges(t *testing.T, l *lab.Lab, s *server) {
	transfer := startTransfer(t, l.Neighbour, s, "across.bin")
	for _, addr := range []string{"11.22.5.1", "11.22.6.2", "11.22.7.3"} {
		changeWAN(t, l, s, netip.MustParseAddr(addr), eventNoticesWithin)
	}
	transfer.finish(t)
	testClients(t, l.Internet, s, l.Router.WAN(), pasv)
}

// changeWAN moves the WAN address, which clients must soon be told.
func changeWAN(t *testing.T, l *lab.Lab, s *server, to netip.Addr, within time.Duration) {
	t.Helper()
	l.Router.ChangeWAN(t, to)
	lab.Await(t, within, func() error { return told(l.Internet, s.at(to), to) })
}

// transfer is an upload that goes on until it is finished.
type transfer struct {
	*session
	data net.Conn
	path string
	// stop ends the writer, which then sends all that it wrote, or its error.
	stop chan struct{}
	sent chan sent
}

type sent struct {
	content []byte
	err     error
}

// startTransfer logs in and starts an upload by a trickle of blocks.
func startTransfer(t *testing.T, h *lab.Host, s *server, name string) *transfer {
	t.Helper()
	control, err := dialSession(h, s.at(lab.ServerAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { control.Close() })
	if _, err := control.ask(200, "TYPE I"); err != nil {
		t.Fatal(err)
	}
	to, err := control.pasv()
	if err != nil {
		t.Fatal(err)
	}
	data, err := h.Dial(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	if _, err := control.ask(150, "STOR "+name); err != nil {
		t.Fatal(err)
	}
	x := &transfer{control, data, filepath.Join(s.home, name), make(chan struct{}), make(chan sent, 1)}
	go x.write()
	return x
}

func (x *transfer) write() {
	const (
		pause = 50 * time.Millisecond
		block = 8 << 10
	)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	var all sent
	for all.err == nil {
		select {
		case <-x.stop:
			x.sent <- all
			return
		case <-tick.C:
			from := len(all.content)
			all.content = append(all.content, make([]byte, block)...)
			rand.Read(all.content[from:])
			_, all.err = x.data.Write(all.content[from:])
		}
	}
	x.sent <- all
}

// finish ends the upload. Everything must have arrived.
func (x *transfer) finish(t *testing.T) {
	t.Helper()
	close(x.stop)
	all := <-x.sent
	if all.err != nil {
		t.Fatalf("upload that was under way: %v", all.err)
	}
	if err := x.data.Close(); err != nil {
		t.Error(err)
	}
	if _, err := x.reply(226, "STOR"); err != nil {
		t.Error(err)
	}
	if len(all.content) == 0 {
		t.Fatal("the upload has sent nothing")
	}
	mustHold(t, x.path, all.content)
}
