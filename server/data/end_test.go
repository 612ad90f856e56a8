package data_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"natftpd/server/data"
)

func TestTheEndOfAnUploadOverTLS(t *testing.T) {
	content := random(100_000)
	properly := func(c *tls.Conn) { c.Close() }
	bare := func(c *tls.Conn) { c.NetConn().Close() }
	cases := map[string]struct {
		content []byte
		end     func(*tls.Conn)
		conn    func(*data.Conn)
		whole   bool
	}{
		"close_notify":                         {content, properly, nil, true},
		"close_notify, nothing sent":           {nil, properly, nil, true},
		"a bare FIN":                           {content, bare, nil, false},
		"a bare FIN, nothing sent":             {nil, bare, nil, false},
		"a bare FIN after what ALLO announced": {content, bare, func(c *data.Conn) { c.Announce(int64(len(content))) }, true},
		"a bare FIN before what was announced": {content, bare, func(c *data.Conn) { c.Announce(int64(len(content)) + 1) }, false},
		// What remains of a two-byte record looks like an alert from outside.
		"a bare FIN after a tiny record": {[]byte("ab"), bare, nil, false},
		"a FIN within a record":          {content, func(c *tls.Conn) { c.NetConn().Write([]byte{23, 3, 3, 1, 0, 7}); bare(c) }, func(c *data.Conn) { c.Announce(int64(len(content))) }, false},
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, c := range cases {
			t.Run(name+", "+tls.VersionName(version), func(t *testing.T) {
				serverTLS, clientTLS := tlsPair(t)
				serverTLS.SessionTicketsDisabled = true // else closing without having read them is a reset
				clientTLS.MaxVersion = version
				ours, theirs := tcpPair(t)
				go func() {
					client := tls.Client(theirs, clientTLS)
					client.Handshake()
					client.Write(c.content)
					c.end(client)
				}()
				conn := data.NewConn(ours, serverTLS, time.Minute, data.Pace{})
				if c.conn != nil {
					c.conn(conn)
				}
				var got bytes.Buffer
				_, err := conn.WriteTo(plainWriter{&got})
				if c.whole != (err == nil) || c.whole != (conn.Err() == nil) {
					t.Errorf("got %v, of the connection %v; want it whole: %v", err, conn.Err(), c.whole)
				}
				if !bytes.Equal(got.Bytes(), c.content) {
					t.Errorf("stored %d bytes, want %d", got.Len(), len(c.content))
				}
				if !c.whole && !errors.Is(err, data.ErrCutOff) {
					t.Errorf("got %v, want ErrCutOff", err)
				}
			})
		}
	}
}

func TestAFailedHandshakeSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		client func(*net.TCPConn)
		want   string
	}{
		"a client that hangs up":      {func(c *net.TCPConn) { c.CloseWrite() }, "TLS handshake on the data connection: the client hung up"},
		"a client that stands still":  {func(c *net.TCPConn) { c.Write([]byte{22, 3, 1}) }, "TLS handshake on the data connection: data connection stands still for 100ms"},
		"a client that speaks no TLS": {func(c *net.TCPConn) { c.Write([]byte("plain text")) }, "TLS handshake on the data connection: tls: first record does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			serverTLS, _ := tlsPair(t)
			ours, theirs := tcpPair(t)
			c.client(theirs)
			conn := data.NewConn(ours, serverTLS, 100*time.Millisecond, data.Pace{})
			if _, err := conn.Write(nil); err == nil || err.Error() != c.want || conn.Err() == nil {
				t.Errorf("got %v, of the connection %v; want %q", err, conn.Err(), c.want)
			}
		})
	}
}

func TestAnUploaderNeedNotWaitForOurCloseNotify(t *testing.T) {
	serverTLS, clientTLS := tlsPair(t)
	ours, theirs := tcpPair(t)
	go func() {
		client := tls.Client(theirs, clientTLS)
		client.Write([]byte("content"))
		client.CloseWrite()
	}()
	conn := data.NewConn(ours, serverTLS, time.Minute, data.Pace{})
	if n, err := conn.WriteTo(plainWriter{&bytes.Buffer{}}); n != 7 || err != nil {
		t.Fatalf("stored %d bytes, %v", n, err)
	}
	theirs.SetLinger(0)
	theirs.Close()
	conn.Close()
	if conn.Err() != nil {
		t.Errorf("the transfer is said to have broken: %v", conn.Err())
	}
}

func TestADownloadOverTLSThatBreaksAtItsEndIsToldSo(t *testing.T) {
	serverTLS, clientTLS := tlsPair(t)
	ours, theirs := tcpPair(t)
	go tls.Client(theirs, clientTLS).Handshake()
	conn := data.NewConn(ours, serverTLS, time.Minute, data.Pace{})
	conn.Write(nil)
	theirs.SetLinger(0)
	theirs.Close()
	conn.ReadFrom(tempFile(t, []byte("content")))
	conn.Close()
	if conn.Err() == nil {
		t.Error("the transfer is said to be whole")
	}
}
