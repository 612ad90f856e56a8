package data_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"natftpd/server/data"
)

func TestPacedTransfersArriveWhole(t *testing.T) {
	const perSecond = 3 << 20
	serverTLS, clientTLS := tlsPair(t)
	content := random(600 << 10)
	for name, channel := range map[string]*tls.Config{"in clear": nil, "TLS": serverTLS} {
		for direction, run := range map[string]func(t *testing.T, c *data.Conn, client net.Conn) []byte{
			"a download, ": func(t *testing.T, c *data.Conn, client net.Conn) []byte {
				go func() {
					io.Copy(c, tempFile(t, content))
					c.Close()
				}()
				got, _ := io.ReadAll(client)
				return got
			},
			"an upload, ": func(t *testing.T, c *data.Conn, client net.Conn) []byte {
				go func() {
					client.Write(content)
					client.Close()
				}()
				f := tempFile(t, nil)
				io.Copy(f, c)
				got, _ := os.ReadFile(f.Name())
				return got
			},
		} {
			t.Run(direction+name, func(t *testing.T) {
				t.Parallel()
				ours, theirs := tcpPair(t)
				client := net.Conn(theirs)
				if channel != nil {
					client = tls.Client(theirs, clientTLS)
				}
				begun := time.Now()
				l := rate.NewLimiter(perSecond, perSecond)
				l.AllowN(time.Now(), perSecond)
				l.ReserveN(time.Now(), perSecond) // another transfer's: this one waits longer than its time-out
				const timeout = 900 * time.Millisecond
				conn := data.NewConn(ours, channel, timeout, data.Pace{Down: l, Up: l})
				got := run(t, conn, client)
				if !bytes.Equal(got, content) || conn.Err() != nil {
					t.Errorf("got %d bytes of %d, %v", len(got), len(content), conn.Err())
				}
				least := time.Second + time.Duration(len(content))*time.Second/perSecond
				if spent := time.Since(begun); spent < least {
					t.Errorf("took %s, want at least %s", spent, least)
				}
			})
		}
	}
}

// quotaFile is a file with room for so many bytes; of what the kernel must leave
// to Write, edge.
type quotaFile struct {
	file
	room, edge int64
}

func (q *quotaFile) Reserve(n int64) int64 {
	n = max(0, min(n, q.room-q.edge))
	q.room -= n
	return n
}

func (q *quotaFile) Release(n int64) { q.room += n }

func (q *quotaFile) Write(p []byte) (int, error) {
	fits := min(int64(len(p)), q.room)
	q.room -= fits
	n, err := q.File.Write(p[:fits])
	if err == nil && n < len(p) {
		err = os.ErrPermission
	}
	return n, err
}

func TestAnUploadTakesWhatRoomThereIs(t *testing.T) {
	content := random(300 << 10)
	size := int64(len(content))
	for name, c := range map[string]struct{ room, edge, want int64 }{
		"more than enough":              {size * 2, 0, size},
		"just enough":                   {size, 0, size},
		"just enough, the rest exactly": {size, 1000, size},
		"one byte short":                {size - 1, 1000, size - 1},
		"none":                          {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			go func() {
				theirs.Write(content)
				theirs.CloseWrite()
			}()
			f := &quotaFile{tempFile(t, nil), c.room, c.edge}
			conn := data.NewConn(ours, nil, time.Minute, data.Pace{})
			_, err := conn.WriteTo(f)
			if whole := c.want == size; whole != (err == nil) {
				t.Errorf("got %v", err)
			}
			if conn.Err() != nil {
				t.Errorf("the connection is blamed: %v", conn.Err())
			}
			if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, content[:c.want]) {
				t.Errorf("stored %d bytes, want %d", len(got), c.want)
			}
			if f.room != c.room-c.want {
				t.Errorf("%d bytes of room left, want %d", f.room, c.room-c.want)
			}
		})
	}
}
