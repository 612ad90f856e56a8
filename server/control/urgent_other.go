//go:build !unix

package control

import "net"

// inlineUrgent: elsewhere urgent data stays out of the stream.
func inlineUrgent(*net.TCPConn) {}
