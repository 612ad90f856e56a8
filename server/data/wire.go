package data

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// wire is the TCP connection with a time-out for standing still: a slow peer
// keeps its connection as long as something moves within each. It lies below
// TLS too, where a record that was cut could not be continued from above.
type wire struct {
	*net.TCPConn
	timeout time.Duration
	ended   bool // the peer's FIN was read
}

// Read reads what has come.
func (w *wire) Read(p []byte) (int, error) {
	w.SetReadDeadline(time.Now().Add(w.timeout))
	n, err := w.TCPConn.Read(p)
	w.ended = w.ended || err == io.EOF
	return n, err
}

// Write writes p whole.
func (w *wire) Write(p []byte) (int, error) {
	total := 0
	for {
		w.SetWriteDeadline(time.Now().Add(w.timeout))
		n, err := w.TCPConn.Write(p[total:])
		total += n
		if err == nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return total, err
		}
	}
}
