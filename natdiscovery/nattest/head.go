package nattest

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
)

// headListener's connections keep the first bytes that they get: package net/http
// tells a request's header, but not how its names were written.
type headListener struct{ net.Listener }

// Accept implements net.Listener.
func (l headListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &headConn{Conn: conn}, nil
}

type headConn struct {
	net.Conn
	mu   sync.Mutex
	head []byte
}

// Read implements net.Conn.
func (c *headConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.head) < 4<<10 {
		c.head = append(c.head, b[:n]...)
	}
	return n, err
}

type headKey struct{}

// keepHead is an http.Server's ConnContext.
func keepHead(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, headKey{}, conn)
}

// headHas says whether the connection of a request began with such bytes.
func headHas(req *http.Request, text string) bool {
	conn, ok := req.Context().Value(headKey{}).(*headConn)
	if !ok {
		return false
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	return bytes.Contains(conn.head, []byte(text))
}
