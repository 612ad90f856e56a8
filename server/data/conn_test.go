package data_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"natftpd/server/data"
)

// tcpPair is a TCP connection over loopback: ours, and the client's end.
func tcpPair(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ours, err = l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); ours.Close() })
	return ours, c.(*net.TCPConn)
}

// file is what the driver's handle looks like to a data connection. Neither has
// WriteTo, which io.Copy would call in place of the connection's ReadFrom: here
// two of them, at the same depth, cancel each other out.
type file struct {
	*os.File
	io.WriterTo
}

func (f file) OSFile() *os.File          { return f.File }
func (f file) Translate(err error) error { return fmt.Errorf("translated: %w", err) }

func (f file) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if err != nil {
		err = f.Translate(err)
	}
	return n, err
}

// broken is a file that only the kernel can't write to.
type broken struct{ file }

func (broken) Write(p []byte) (int, error) { return len(p), nil }

func tempFile(t *testing.T, content []byte) file {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return file{File: f}
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

// plainReader and plainWriter hide what io.Copy would shortcut by.
type plainReader struct{ io.Reader }
type plainWriter struct{ io.Writer }

func TestATransferArrivesWhole(t *testing.T) {
	serverTLS, clientTLS := tlsPair(t)
	content := random(3<<20 + 17)
	for name, channel := range map[string]*tls.Config{"in clear": nil, "TLS": serverTLS} {
		client := func(c net.Conn) net.Conn {
			if channel == nil {
				return c
			}
			return tls.Client(c, clientTLS)
		}
		t.Run("a download from a file, "+name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			conn := data.NewConn(ours, channel, time.Minute, data.Pace{})
			go func() {
				io.Copy(conn, tempFile(t, content))
				conn.Close()
			}()
			got, err := io.ReadAll(client(theirs))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(content))
			}
			if conn.Sent() != int64(len(content)) || conn.Err() != nil {
				t.Errorf("counted %d, err %v", conn.Sent(), conn.Err())
			}
		})
		t.Run("a download from a reader, "+name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			conn := data.NewConn(ours, channel, time.Minute, data.Pace{})
			go func() {
				io.Copy(conn, plainReader{bytes.NewReader(content)})
				conn.Close()
			}()
			got, err := io.ReadAll(client(theirs))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(content))
			}
		})
		t.Run("an upload into a file, "+name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			conn := data.NewConn(ours, channel, time.Minute, data.Pace{})
			go func() {
				c := client(theirs)
				c.Write(content)
				c.Close()
			}()
			f := tempFile(t, nil)
			if n, err := io.Copy(f, conn); err != nil || n != int64(len(content)) {
				t.Fatalf("stored %d bytes, %v", n, err)
			}
			conn.Close()
			if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, content) {
				t.Errorf("%d bytes on disk, want %d", len(got), len(content))
			}
			if conn.Received() != int64(len(content)) {
				t.Errorf("counted %d", conn.Received())
			}
		})
		t.Run("an upload into a writer, "+name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			conn := data.NewConn(ours, channel, time.Minute, data.Pace{})
			go func() {
				c := client(theirs)
				c.Write(content)
				c.Close()
			}()
			var got bytes.Buffer
			if _, err := io.Copy(plainWriter{&got}, conn); err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("got %d bytes, %v", got.Len(), err)
			}
		})
		t.Run("nothing at all, "+name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			conn := data.NewConn(ours, channel, time.Minute, data.Pace{})
			go func() {
				conn.Write(nil)
				conn.Close()
			}()
			if got, err := io.ReadAll(client(theirs)); err != nil || len(got) != 0 {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestSmallWritesAreGathered(t *testing.T) {
	ours, theirs := tcpPair(t)
	conn := data.NewConn(ours, nil, time.Minute, data.Pace{})
	for range 1000 {
		conn.Write([]byte("x"))
	}
	theirs.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := theirs.Read(make([]byte, 1)); !isTimeout(err) {
		t.Fatalf("%d bytes arrived before the flush, %v", n, err)
	}
	conn.Flush()
	theirs.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 2000)
	if n, err := theirs.Read(buf); n != 1000 {
		t.Errorf("one read got %d bytes, %v; want all 1000 of one write", n, err)
	}
}

func TestAConnectionThatStandsStillIsCut(t *testing.T) {
	const timeout = 50 * time.Millisecond
	big := make([]byte, 32<<20) // more than socket buffers hold
	cases := map[string]func(t *testing.T, c *data.Conn) error{
		"a download from a file":   func(t *testing.T, c *data.Conn) error { _, err := io.Copy(c, tempFile(t, big)); return err },
		"a download from a reader": func(_ *testing.T, c *data.Conn) error { _, err := c.ReadFrom(bytes.NewReader(big)); return err },
		"an upload into a file":    func(t *testing.T, c *data.Conn) error { _, err := io.Copy(tempFile(t, nil), c); return err },
		"an upload into a writer":  func(_ *testing.T, c *data.Conn) error { _, err := io.Copy(plainWriter{io.Discard}, c); return err },
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			ours, _ := tcpPair(t)
			c := data.NewConn(ours, nil, timeout, data.Pace{})
			if err := run(t, c); !errors.Is(err, data.ErrStalled) {
				t.Errorf("got %v, want ErrStalled", err)
			}
			if !errors.Is(c.Err(), data.ErrStalled) {
				t.Errorf("Err is %v, want ErrStalled", c.Err())
			}
		})
	}
}

func TestASlowClientKeepsItsDownload(t *testing.T) {
	const timeout = time.Second // above the kernel's own pauses on a full window
	serverTLS, clientTLS := tlsPair(t)
	content := random(8 << 20)
	for name, channel := range map[string]*tls.Config{"in clear": nil, "TLS": serverTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := tcpPair(t)
			theirs.SetReadBuffer(64 << 10)
			client := net.Conn(theirs)
			if channel != nil {
				client = tls.Client(theirs, clientTLS)
			}
			c := data.NewConn(ours, channel, timeout, data.Pace{})
			begun := time.Now()
			done := make(chan error)
			go func() {
				_, err := io.Copy(c, tempFile(t, content))
				c.Close()
				done <- err
			}()
			var got bytes.Buffer
			buf := make([]byte, 1<<20)
			for { // reads something in each time-out, and takes many of them in all
				n, err := io.ReadFull(client, buf)
				got.Write(buf[:n])
				if err != nil {
					break
				}
				<-time.After(timeout / 4)
			}
			if err := <-done; err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("got %d bytes of %d, %v", got.Len(), len(content), err)
			}
			if time.Since(begun) < 2*timeout {
				t.Skip("the machine's socket buffers took it all at once")
			}
		})
	}
}

func TestAbortEndsATransferAtOnce(t *testing.T) {
	ours, theirs := tcpPair(t)
	c := data.NewConn(ours, nil, time.Minute, data.Pace{})
	done := make(chan error)
	go func() {
		_, err := io.Copy(c, tempFile(t, make([]byte, 32<<20)))
		done <- err
	}()
	io.ReadFull(theirs, make([]byte, 1<<20))
	c.Abort()
	if err := <-done; !errors.Is(err, data.ErrAborted) {
		t.Errorf("copy: %v, want ErrAborted", err)
	}
	if _, err := io.Copy(io.Discard, theirs); err == nil {
		t.Error("the client took half a file for a whole one: want a reset")
	}
	c.Close()
}

func TestErrorsOfTheDiskAndOfTheConnectionAreToldApart(t *testing.T) {
	f, err := os.Open(tempFile(t, nil).Name()) // for reading only
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, w := range map[string]io.Writer{
		"the file cannot be written": file{File: f}, "nor can the kernel": broken{file{File: f}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			go theirs.Write(make([]byte, 64<<10))
			c := data.NewConn(ours, nil, time.Minute, data.Pace{})
			if _, err := c.WriteTo(w); err == nil || !strings.HasPrefix(err.Error(), "translated: ") {
				t.Errorf("got %v, want the driver's translation", err)
			}
			if c.Err() != nil {
				t.Errorf("the connection is blamed: %v", c.Err())
			}
		})
	}
	t.Run("the client resets the connection", func(t *testing.T) {
		ours, theirs := tcpPair(t)
		theirs.SetLinger(0)
		theirs.Close()
		f := tempFile(t, nil)
		c := data.NewConn(ours, nil, time.Minute, data.Pace{})
		_, err := c.WriteTo(f)
		if err == nil || c.Err() == nil || strings.Contains(c.Err().Error(), f.Name()) {
			t.Errorf("got %v, and of the connection %v; want an error that does not name the file", err, c.Err())
		}
	})
}
