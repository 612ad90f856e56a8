package data_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// taken occupies a port of this host for the time of the test.
func taken(t *testing.T, port uint16) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		t.Skipf("port %d, which the test chose by chance, is not free: %v", port, err)
	}
	t.Cleanup(func() { l.Close() })
}

// opened tells whether somebody listens on a port.
func opened(port uint16) bool {
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		c.Close()
	}
	return err == nil
}

func TestWhoIsAwaitedComesThroughEveryChange(t *testing.T) {
	const unused = time.Minute
	p, all := listen(t, 4, unused)
	first, last := all[0], all[3]
	for _, change := range []struct {
		what        string
		host        string
		first, last uint16
	}{
		{"to fewer ports", "", first, last - 1},
		{"to more ports", "", first, last},
		{"to one address of the host", "127.0.0.1", first, last},
		{"to all of them", "", first, last},
		{"to none of the ports", "", last, last},
	} {
		r := reserve(t, p, "127.0.0.1", all[:1])
		if err := p.Change(change.host, change.first, change.last, unused); err != nil {
			t.Fatalf("%s: %v", change.what, err)
		}
		dial(t, "127.0.0.1", r.Port())
		open(t, r).Close()
	}
}

func TestWhoHasComeComesThroughAMove(t *testing.T) {
	const unused = time.Minute
	p, all := listen(t, 1, unused)
	for _, host := range []string{"127.0.0.1", ""} {
		r := reserve(t, p, "127.0.0.1", all)
		dial(t, "127.0.0.1", r.Port())
		if err := p.Change(host, all[0], all[0], unused); err != nil {
			t.Fatal(err)
		}
		open(t, r).Close()
	}
}

func TestAPortThatIsTakenLeavesAllAsItWas(t *testing.T) {
	const unused = time.Minute
	p, all := listen(t, 3, unused)
	taken(t, all[2]+2)
	for _, host := range []string{"", "127.0.0.1"} {
		if err := p.Change(host, all[1], all[2]+2, unused); !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatalf("got %v, want an address in use", err)
		}
	}
	if opened(all[2] + 1) {
		t.Errorf("port %d is open, which was opened before the one that is taken", all[2]+1)
	}
	for _, port := range all {
		r := reserve(t, p, "127.0.0.2", []uint16{port})
		dial(t, "127.0.0.2", port)
		open(t, r)
	}
}

func TestAPortThatHasGoneIsClosedAfterAWhile(t *testing.T) {
	p, all := listen(t, 3, time.Millisecond)
	for _, last := range []uint16{all[0], all[1]} { // the one between is wanted again
		if err := p.Change("", all[0], last, time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); opened(all[2]); {
		if time.Now().After(deadline) {
			t.Fatalf("port %d is still open", all[2])
		}
	}
	for _, port := range all[:2] {
		if !opened(port) {
			t.Errorf("port %d is closed, which stays", port)
		}
	}
}
