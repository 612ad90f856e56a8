package data

import (
	"net"
	"time"
)

// door is the listening socket of a passive port. A client mostly has connected by the
// time its command comes, and then the session takes the connection at the door itself.
// Somebody watches there only when a session has to wait, and when the port has not
// been used for a while, so that strangers do not pile up.
type door struct {
	listener *net.TCPListener
	looker   looker // guarded by port.mu, like the rest
	watched  bool   // a goroutine is there
	// asked is closed once the watch has emptied the door, and has gone if nobody waits;
	// nil: nobody has asked it to.
	asked  chan struct{}
	closed bool
}

// clear empties the door of what came for earlier reservations. The caller holds mu,
// which is let go in between.
func (p *port) clear() (strangers []*net.TCPConn, err error) {
	d := p.door
	switch {
	case !onDemand:
		return nil, nil
	case !d.watched:
		return p.empty(d, nil)
	}
	if d.asked == nil {
		d.asked = make(chan struct{})
		d.listener.SetDeadline(time.Unix(1, 0))
	}
	asked := d.asked
	p.mu.Unlock()
	<-asked
	p.mu.Lock()
	return nil, nil
}

// empty takes the connections that have come, all of them or until one is the wanted, and
// returns those that nobody awaits. The caller holds mu, and nobody watches at the door.
// The kernel keeps a connection for us also when it was reset meanwhile, so accepting
// does not wait.
func (p *port) empty(d *door, wanted *Reservation) (strangers []*net.TCPConn, err error) {
	for (wanted == nil || wanted.conn == nil) && !d.closed && d.ready() {
		conn, err := d.listener.AcceptTCP()
		if err != nil {
			return strangers, err
		}
		if !p.deliver(conn) {
			strangers = append(strangers, conn)
		}
	}
	return strangers, nil
}

// watch has somebody at the door. The caller holds mu.
func (p *port) watch() {
	if d := p.door; !d.watched && !d.closed {
		d.watched = true
		p.ports.done.Go(func() { p.attend(d) })
	}
}

// attend takes connections at a door until it is asked to and nobody waits any more, or
// the door is closed.
func (p *port) attend(d *door) {
	var pause time.Duration
	for {
		conn, err := d.listener.AcceptTCP()
		stays, strangers, err := p.come(d, conn, err)
		p.settle(strangers, err)
		if !stays {
			p.ports.rounds.arm()
			return
		}
		if err == nil {
			pause = 0
			continue
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-p.ports.closed:
		}
	}
}

// come is what the watch does when accepting has ended, with a connection or without.
func (p *port) come(d *door, conn *net.TCPConn, err error) (stays bool, strangers []*net.TCPConn, _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && !p.deliver(conn) {
		strangers = append(strangers, conn)
	}
	if d.closed {
		err = nil
	}
	stays = !d.closed
	if d.asked != nil {
		stays = stays && p.opening > 0
		d.listener.SetDeadline(time.Time{})
		var more []*net.TCPConn
		more, err = p.empty(d, nil)
		strangers = append(strangers, more...)
		close(d.asked)
		d.asked = nil
	}
	d.watched = stays
	return stays, strangers, err
}

// close closes a door of the port. Who has come to it is let in.
func (p *port) close(d *door) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !d.watched {
		strangers, _ := p.empty(d, nil) // it does not matter any more
		for _, conn := range strangers {
			conn.Close()
		}
	}
	d.closed = true
	d.listener.Close()
}

// listener is where the port listens now.
func (p *port) listener() *net.TCPListener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.door.listener
}
