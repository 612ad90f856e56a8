package cmd

import (
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
)

// The names of sockets that a service manager may hand us (FileDescriptorName= of a
// systemd.socket).
const (
	controlSocket    = "control"
	controlTLSSocket = "control-tls"
)

// inherited are the control ports that a service manager has opened for us; nil:
// those it has not. Their names tell what they are.
func inherited() (control, controlTLS *net.TCPListener, err error) {
	byName, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, fmt.Errorf("sockets of the service manager: %w", err)
	}
	for name, listeners := range byName {
		for _, l := range listeners {
			tcp, ok := l.(*net.TCPListener)
			switch {
			case !ok:
				err = fmt.Errorf("socket %s of the service manager does not listen for TCP; write ListenStream= with a port", name)
			case name == controlSocket && control == nil:
				control = tcp
			case name == controlTLSSocket && controlTLS == nil:
				controlTLS = tcp
			case name == controlSocket || name == controlTLSSocket:
				err = fmt.Errorf("the service manager has two sockets %s; write one ListenStream= for each", name)
			default:
				err = fmt.Errorf("socket %s of the service manager is unknown; write FileDescriptorName=%s or %s", name, controlSocket, controlTLSSocket)
			}
			if err != nil {
				return nil, nil, err
			}
		}
	}
	return control, controlTLS, nil
}
