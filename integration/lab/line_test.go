//go:build linux

package lab

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestAWayDelaysAndLoses(t *testing.T) {
	start := time.Unix(0, 0)
	const size, count = 1000, 10_000
	for _, c := range []struct {
		name string
		line Line
		// pause is between two packets; last is when the last arrives after the first
		// was sent.
		pause         time.Duration
		arrive, least int
		last          time.Duration
	}{
		{"at the pace of the line all arrive, delayed", Line{Delay: 15 * time.Millisecond, Rate: 1e6}, time.Millisecond, count, count, 10_015 * time.Millisecond},
		{"one in a hundred is lost", Line{Delay: 15 * time.Millisecond, Rate: 1e6, Loss: 0.01}, time.Millisecond, 9950, 9850, 0},
		{"at twice the pace half of them finds no room", Line{Delay: 15 * time.Millisecond, Rate: 1e6}, time.Millisecond / 2, 5200, 4900, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWay(c.line, 0)
			arrived, last := 0, start
			for i := range count {
				if due, ok := w.admit(start.Add(time.Duration(i)*c.pause), size); ok {
					arrived, last = arrived+1, due
				}
			}
			if arrived < c.least || arrived > c.arrive {
				t.Errorf("arrived: got %d, want from %d to %d", arrived, c.least, c.arrive)
			}
			if got := last.Sub(start); c.last != 0 && got != c.last {
				t.Errorf("the last arrives after %v, want %v", got, c.last)
			}
		})
	}
}

// Over a stretched line a round trip takes as long as was asked for, and bytes arrive.
func TestStretch(t *testing.T) {
	l := New(t, Options{})
	const roundTrip = 60 * time.Millisecond
	l.Stretch(t, Line{Delay: roundTrip / 2, Rate: 1e7})
	listener, err := l.Internet.Listen(netip.AddrPortFrom(InternetAddr, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	best := time.Hour // the first also waits for an address (ARP)
	var conn, other net.Conn
	for range 3 {
		began := time.Now()
		if conn, err = l.Server.Dial(netip.MustParseAddrPort(listener.Addr().String())); err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		best = min(best, time.Since(began))
		if other, err = listener.Accept(); err != nil {
			t.Fatal(err)
		}
		defer other.Close()
	}
	if best < roundTrip || best > 2*roundTrip {
		t.Errorf("round trip: got %v, want %v", best, roundTrip)
	}

	want := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	go func() {
		_, _ = conn.Write(want) // what is missing is seen at the other end
	}()
	got := make([]byte, len(want))
	if err := other.SetReadDeadline(time.Now().Add(dialTimeout)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(other, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes did not arrive as they were: %v", len(want), err)
	}
}
