package data

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Reservation is one awaited data connection on a passive port.
type Reservation struct {
	port *port
	peer netip.Addr
	made time.Time
	conn chan *net.TCPConn
	lost chan struct{} // closed when the port was given to another

	// Guarded by port.mu.
	opening  bool
	cameTo   uint16     // another port at which the peer knocked meanwhile; 0: none
	stranger netip.Addr // who else knocked at this port meanwhile, the last
}

// Port is the port to tell the client.
func (r *Reservation) Port() uint16 { return r.port.number }

// String names the endpoint for the log.
func (r *Reservation) String() string { return fmt.Sprintf("passive port %d", r.port.number) }

// Arrived is the peer's connection if it has come and nobody has taken it, else
// nil.
func (r *Reservation) Arrived() *net.TCPConn {
	select {
	case conn := <-r.conn:
		return conn
	default:
		return nil
	}
}

// Open waits for the peer's connection. Once ctx has ended the error is a
// *MissedError.
func (r *Reservation) Open(ctx context.Context) (*net.TCPConn, error) {
	begun := time.Now()
	r.port.mu.Lock()
	r.opening = true
	r.port.mu.Unlock()
	if conn := r.Arrived(); conn != nil {
		return conn, nil
	}
	select {
	case conn := <-r.conn:
		return conn, nil
	case <-r.lost:
		return nil, fmt.Errorf("passive port %d was not used in time", r.port.number)
	case <-ctx.Done():
		return nil, r.missed(time.Since(begun), context.Cause(ctx))
	}
}

// Close gives the port back and closes a connection that came and was not
// opened.
func (r *Reservation) Close() {
	r.port.mu.Lock()
	if r.port.waiting[r.peer] == r {
		delete(r.port.waiting, r.peer)
		r.port.spare(r.peer)
	}
	r.port.mu.Unlock()
	if conn := r.Arrived(); conn != nil {
		conn.Close()
	}
}
