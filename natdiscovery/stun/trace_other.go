//go:build !linux

package stun

import (
	"errors"
	"net"
	"net/netip"

	"github.com/pion/stun/v3"
)

// hopConn is not made.
type hopConn struct{ *net.UDPConn }

// dialHop is errors.ErrUnsupported: other systems tell who dropped a packet to the
// administrator's raw sockets only.
func dialHop(netip.AddrPort, int) (hopConn, error) { return hopConn{}, errors.ErrUnsupported }

// hear is not reached.
func (hopConn) hear(*stun.Message) (hop, bool) { return hop{}, false }
