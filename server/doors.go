package server

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"

	"natftpd/server/control"
)

// door is a control port.
type door struct {
	addr, key string // as configured
	implicit  bool   // TLS from the first byte
	listener  *net.TCPListener
}

// doorsOf are the control ports that cfg wants, not open yet but for those that a
// service manager has opened.
func doorsOf(cfg Config) []*door {
	doors := []*door{{addr: cfg.Listen, key: "ftp.listen", listener: cfg.Control}}
	if cfg.ListenTLS != "" || cfg.ControlTLS != nil {
		doors = append(doors, &door{addr: cfg.ListenTLS, key: "ftp.listen_tls", implicit: true, listener: cfg.ControlTLS})
	}
	return doors
}

// is tells whether d serves what wanted is for. What a service manager has opened
// stays as it is.
func (d *door) is(wanted *door) bool {
	return d.implicit == wanted.implicit && (d.addr == wanted.addr || wanted.listener != nil)
}

// open listens.
func (d *door) open() error {
	if d.listener != nil { // a service manager's
		control.Adopt(d.listener)
		return nil
	}
	l, err := control.Listener().Listen(context.Background(), "tcp", d.addr)
	if err != nil {
		return &PortError{d.addr, d.key, err}
	}
	d.listener = l.(*net.TCPListener)
	return nil
}

func (d *door) close() {
	if d.listener != nil {
		d.listener.Close()
		d.listener = nil
	}
}

func closeAll(doors []*door) {
	for _, d := range doors {
		d.close()
	}
}

// moved are the control ports after a change: those that stay, those that were
// opened for it, and those that leave.
type moved struct {
	all, opened, leaving []*door
	closed               bool // those that leave, before the others could be opened
}

// move opens the doors that are wanted and not there, all or none. A port can't be
// open for two addresses of which one is part of the other: then those that leave are
// closed first.
func move(doors, wanted []*door) (m moved, err error) {
	for _, w := range wanted {
		if i := slices.IndexFunc(doors, func(d *door) bool { return d.is(w) }); i >= 0 {
			m.all = append(m.all, doors[i])
			continue
		}
		m.all, m.opened = append(m.all, w), append(m.opened, w)
	}
	for _, d := range doors {
		if !slices.Contains(m.all, d) {
			m.leaving = append(m.leaving, d)
		}
	}
	for _, d := range m.opened {
		err := d.open()
		if errors.Is(err, syscall.EADDRINUSE) && !m.closed {
			m.closed = true
			closeAll(m.leaving)
			err = d.open()
		}
		if err != nil {
			return m, errors.Join(err, m.undo())
		}
	}
	return m, nil
}

// undo has the doors as they were. The listeners may be others.
func (m moved) undo() error {
	closeAll(m.opened)
	var err error
	for _, d := range m.leaving {
		err = errors.Join(err, d.open())
	}
	return err
}
