//go:build !unix

package upnp

import "syscall"

// reuse does nothing: elsewhere a port in TIME-WAIT keeps nobody from listening,
// and on Windows the option of the same name lets others steal the port.
func reuse(string, string, syscall.RawConn) error { return nil }
