//go:build !linux

package data

import (
	"net"
	"syscall"
	"time"
)

// Listener makes listeners whose connections have keepalives; a limit on
// unacknowledged data is Linux's alone.
func Listener(time.Duration) *net.ListenConfig {
	return &net.ListenConfig{KeepAliveConfig: keepAlive}
}

// Retune has nothing to change.
func Retune(*net.TCPListener, time.Duration) {}

// acknowledgeAtOnce is Linux's alone.
func acknowledgeAtOnce(*net.TCPConn) {}

// setMaxSegment is Linux's alone; elsewhere the kernel chooses.
func setMaxSegment(syscall.RawConn, int) error { return nil }

// forBulk is Linux's alone.
func forBulk(*net.TCPConn) {}
