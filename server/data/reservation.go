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

	// Guarded by port.mu.
	conn     *net.TCPConn  // the peer's, until somebody takes it
	lost     bool          // the port was given to another
	told     chan struct{} // closed once one of the two is so; nil: nobody waits for it
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
	r.port.mu.Lock()
	if r.conn != nil || r.port.door.watched {
		defer r.port.mu.Unlock()
		return r.taken()
	}
	strangers, err := r.port.empty(r.port.door, r)
	conn := r.taken()
	r.port.mu.Unlock()
	r.port.settle(strangers, err)
	return conn
}

// taken hands the connection out. The caller holds mu.
func (r *Reservation) taken() *net.TCPConn {
	conn := r.conn
	r.conn = nil
	return conn
}

// tell ends the wait in Open. The caller holds mu.
func (r *Reservation) tell() {
	if r.told != nil {
		close(r.told)
		r.told = nil
	}
}

// Open waits for the peer's connection. Once ctx has ended the error is a
// *MissedError.
func (r *Reservation) Open(ctx context.Context) (*net.TCPConn, error) {
	begun := time.Now()
	if conn := r.Arrived(); conn != nil {
		return conn, nil
	}
	told := r.await()
	defer r.awaited()
	select {
	case <-told:
	case <-ctx.Done():
		if conn := r.Arrived(); conn != nil {
			return conn, nil
		}
		return nil, r.missed(time.Since(begun), context.Cause(ctx))
	}
	if conn := r.Arrived(); conn != nil {
		return conn, nil
	}
	return nil, fmt.Errorf("passive port %d was not used in time", r.port.number)
}

// await has the door watched, and returns what is closed when the wait is over.
func (r *Reservation) await() <-chan struct{} {
	r.port.mu.Lock()
	defer r.port.mu.Unlock()
	told := make(chan struct{})
	r.told, r.opening = told, true
	r.port.opening++
	r.port.watch()
	if r.conn != nil || r.lost {
		r.tell()
	}
	return told
}

func (r *Reservation) awaited() {
	r.port.mu.Lock()
	defer r.port.mu.Unlock()
	r.port.opening--
}

// Close gives the port back and closes a connection that came and was not
// opened.
func (r *Reservation) Close() {
	r.port.mu.Lock()
	if r.port.waiting[r.peer] == r {
		delete(r.port.waiting, r.peer)
	}
	conn := r.taken()
	r.port.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}
