package server

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// PortError says which of our ports could not be opened, and what to do.
type PortError struct {
	Port   string // as configured, e.g. ":2121"
	Key    string // the configuration key that names it
	Reason error
}

func (e *PortError) Error() string {
	switch {
	case errors.Is(e.Reason, syscall.EADDRINUSE):
		return fmt.Sprintf("port %s is in use by another process; end that process or choose another %s", e.Port, e.Key)
	case errors.Is(e.Reason, syscall.EACCES):
		return fmt.Sprintf("port %s needs privileges; choose a %s above 1023 (nat.external_control_port: 21 keeps port 21 for friends), or grant CAP_NET_BIND_SERVICE", e.Port, e.Key)
	case errors.Is(e.Reason, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("port %s: this host does not have that address; choose another %s", e.Port, e.Key)
	}
	return fmt.Sprintf("port %s (%s): %v", e.Port, e.Key, e.Reason)
}

func (e *PortError) Unwrap() error { return e.Reason }

// passiveError is a *PortError of the passive ports.
func passiveError(err error) error {
	var told *PortError
	if errors.As(err, &told) {
		return err
	}
	var op *net.OpError
	port := ""
	if errors.As(err, &op) && op.Addr != nil {
		port = op.Addr.String()
	}
	return &PortError{port, "ftp.passive_ports", err}
}
