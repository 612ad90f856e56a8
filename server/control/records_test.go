package control

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// stream is a connection that brings bytes.
type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func TestAReadGoesNotPastTheEndOfARecord(t *testing.T) {
	wire := append([]byte{23, 3, 3, 1, 0}, make([]byte, 256)...) // a long record
	wire = append(wire, 21, 3, 3, 0, 2, 1, 0)                    // a short one
	wire = append(wire, "AUTH TLS\r\n"...)
	for skip := range 5 + 256 { // however far it was read before
		r := &records{Conn: stream{Reader: bytes.NewReader(wire)}}
		io.ReadFull(r, make([]byte, skip))
		r.oneByOne()
		end := len(wire) - len("AUTH TLS\r\n")
		for got := skip; got < end; {
			n, err := r.Read(make([]byte, 4096))
			if got += n; err != nil || got > end {
				t.Fatalf("after %d bytes: read up to %d of %d, %v", skip, got, end, err)
			}
		}
		rest, _ := io.ReadAll(r.Conn.(stream).Reader)
		if string(rest) != "AUTH TLS\r\n" {
			t.Fatalf("after %d bytes: %q is left", skip, rest)
		}
	}
}
