//go:build !linux

package data

import (
	"net"
	"time"
)

// Tune sets keepalives; a limit on unacknowledged data is Linux's alone.
func Tune(conn *net.TCPConn, _ time.Duration) {
	conn.SetKeepAliveConfig(keepAlive)
}
