package control

import (
	"bufio"
	"io"
	"runtime"
)

// Text (TYPE A) has CR LF at the end of each line on the network and what the
// host has on the disk (RFC 959, section 3.1.1.1).

// toNetwork ends each line of a text with CR LF. A line that had it has it still.
type toNetwork struct {
	*bufio.Reader
	last byte // read before
	due  bool // the LF of a line end
}

func (t *toNetwork) Read(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || t.due || t.Buffered() > 0) {
		if t.due {
			p[n], t.due, t.last = '\n', false, '\n'
			n++
			continue
		}
		b, err := t.ReadByte()
		if err != nil {
			return n, err
		}
		if t.due = b == '\n' && t.last != '\r'; t.due {
			b = '\r'
		}
		p[n], t.last = b, b
		n++
	}
	return n, nil
}

// toHost ends each line of a text with LF alone.
type toHost struct {
	*bufio.Reader
	cr bool // one was read, and waits for what follows
}

func (t *toHost) Read(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || t.Buffered() > 0) {
		b, err := t.ReadByte()
		switch {
		case err != nil && t.cr: // the last byte of all
			t.cr = false
			p[n] = '\r'
			return n + 1, nil
		case err != nil:
			return n, err
		case t.cr && b != '\n':
			_ = t.UnreadByte() // it has just been read
			t.cr = false
			b = '\r'
		default:
			if t.cr = b == '\r'; t.cr {
				continue
			}
		}
		p[n] = b
		n++
	}
	return n, nil
}

const textBuffer = 32 << 10

// toNetworkEnds is a file of the host's as it goes over the network.
func toNetworkEnds(file io.Reader) io.Reader {
	return &toNetwork{Reader: bufio.NewReaderSize(file, textBuffer)}
}

// toHostEnds is what comes over the network as it goes into a file.
func toHostEnds(conn io.Reader) io.Reader {
	if runtime.GOOS == "windows" {
		return conn
	}
	return &toHost{Reader: bufio.NewReaderSize(conn, textBuffer)}
}
