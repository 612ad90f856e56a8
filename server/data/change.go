package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// errClosed: the ports were closed for good.
var errClosed = errors.New("the passive ports are closed")

// Change makes the ports those from first to last on host, all or none: after an
// error everything is as it was. Ports that stay are not touched, and connections
// that are awaited still come. Those that go are kept for twice as long as unused:
// somebody may have been told of them, or is, until what chooses the ports has
// heard of the change.
func (p *Ports) Change(host string, first, last uint16, unused time.Duration) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	select {
	case <-p.closed:
		return errClosed
	default:
	}
	was := p.now.Load()
	next := &layout{unused: unused, ports: make(map[uint16]*port)}
	var undo []func()
	for n := int(first); n <= int(last); n++ {
		one, back, err := p.open(was.ports[uint16(n)], uint16(n), host, unused)
		if err != nil {
			for _, back := range undo {
				back()
			}
			return fmt.Errorf("passive port %d: %w", n, err)
		}
		next.ports[one.number] = one
		undo = append(undo, back)
	}
	for number, one := range was.ports {
		switch {
		case next.ports[number] == nil:
			next.ports[number] = one
			p.leave(one, 2*unused)
		case unused != was.unused:
			Retune(one.listener(), unused)
		}
	}
	for number := int(first); number <= int(last); number++ {
		next.ports[uint16(number)].leaves = time.Time{}
	}
	next.numbers = numbers(first, last)
	p.now.Store(next)
	return nil
}

func numbers(first, last uint16) []uint16 {
	var all []uint16
	for n := int(first); n <= int(last); n++ {
		all = append(all, uint16(n))
	}
	return all
}

// open returns the port of a number on host, and how to have it as it was. nil: it
// was not there.
func (p *Ports) open(one *port, number uint16, host string, unused time.Duration) (_ *port, back func(), err error) {
	if one == nil {
		one = &port{ports: p, number: number, waiting: make(map[netip.Addr]*Reservation)}
		return one, func() { one.close(one.door) }, p.listen(one, host, unused)
	}
	was := one.host
	return one, func() { p.move(one, was, unused) }, p.move(one, host, unused)
}

// move has a port listen on another host. Those who are awaited on it stay so. Where
// one host is part of the other, the port can't be open on both.
func (p *Ports) move(one *port, host string, unused time.Duration) error {
	old, was := one.door, one.host
	if host == was {
		return nil
	}
	err := p.listen(one, host, unused)
	if errors.Is(err, syscall.EADDRINUSE) {
		one.close(old)
		if err = p.listen(one, host, unused); err != nil {
			return errors.Join(err, p.listen(one, was, unused))
		}
	}
	if err == nil {
		one.close(old)
	}
	return err
}

// listen opens a port and takes connections on it.
func (p *Ports) listen(one *port, host string, unused time.Duration) error {
	l, err := Listener(unused).Listen(context.Background(), "tcp", net.JoinHostPort(host, strconv.Itoa(int(one.number))))
	if err != nil {
		return err
	}
	one.host = host
	one.mu.Lock()
	defer one.mu.Unlock()
	one.door = &door{listener: l.(*net.TCPListener)}
	one.watch()
	return nil
}

// leave closes a port after a while, unless it is wanted again by then. A port that
// leaves already does so when it would have.
func (p *Ports) leave(one *port, after time.Duration) {
	if !one.leaves.IsZero() {
		return
	}
	leaves := time.Now().Add(after)
	one.leaves = leaves
	p.done.Go(func() {
		select {
		case <-p.closed:
			return
		case <-time.After(after):
		}
		p.changing.Lock()
		defer p.changing.Unlock()
		if one.leaves != leaves {
			return
		}
		next := *p.now.Load()
		next.ports = maps.Clone(next.ports)
		delete(next.ports, one.number)
		p.now.Store(&next)
		one.close(one.door)
	})
}
