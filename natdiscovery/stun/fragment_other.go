//go:build !linux

package stun

import (
	"errors"
	"net"
)

// listenUnfragmented is errors.ErrUnsupported: other systems have no common way to
// set DF against what their kernel knows of the path.
func listenUnfragmented() (*net.UDPConn, error) {
	return nil, errors.ErrUnsupported
}

// tooLarge is not reached.
func tooLarge(error) bool {
	return false
}
