// Package server is the running FTP service: it listens, lets the front
// (server/control) serve the control connections and server/data the data
// connections, tells each client the address that it can reach, keeps the TLS
// certificate, and drains at the end.
//
// Of the network it knows one immutable value, natdiscovery.Status; of files and
// accounts what package driver offers.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/server/control"
	"natftpd/server/data"
)

// Config is what the service is made of.
type Config struct {
	Log *slog.Logger
	// Listen is host:port for control connections. An empty host is every
	// address, IPv4 and IPv6. The passive ports listen on the same host.
	Listen string
	// ListenTLS is the same for connections that are TLS from the first byte
	// (implicit FTPS). Empty: none.
	ListenTLS string
	// PassiveFirst and PassiveLast are the range of the passive ports.
	PassiveFirst, PassiveLast uint16
	// ActiveMode allows PORT and EPRT.
	ActiveMode bool
	// IdleTimeout and DataTimeout: see control.Config.
	IdleTimeout, DataTimeout time.Duration
	// Overrides are asked before all else what a client is told.
	Overrides []Override
	// TLS serves control and data connections; nil: no TLS. It must always be
	// the same value, or no session could be resumed.
	TLS *tls.Config
	// TLSRequired refuses logins and data connections in clear.
	TLSRequired bool
	// Accounts decide who may log in, Sessions how many at a time.
	Accounts *driver.Accounts
	Sessions *driver.Sessions
	// Bans keep out who guesses passwords. nil: nobody is kept out.
	Bans *driver.Bans
	// Status is what the internet sees of us. It is called at every PASV and
	// must return at once.
	Status func() *natdiscovery.Status
	// Awaited is told what became of each passive data connection. nil: nobody
	// is.
	Awaited func(control.Outcome)
	// Counters count what clients did. nil: nobody looks.
	Counters *control.Counters
	// DrainTimeout bounds how long transfers may go on after the end of Run's
	// context.
	DrainTimeout time.Duration
}

// Server is the FTP service. New starts nothing, Listen opens the ports, Run
// serves.
type Server struct {
	cfg      Config
	control  *net.TCPListener
	implicit *net.TCPListener // nil: there is none
	ports    *data.Ports
	segment  atomic.Int64 // TCP segments of at most so many bytes; zero: the kernel's choice
	unknown  atomic.Bool  // "external address unknown" was said, and it still is
}

// New returns a service that does nothing yet.
func New(cfg Config) *Server { return &Server{cfg: cfg} }

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

// Listen opens the control ports and the passive ports, all or none. The error
// is a *PortError.
func (s *Server) Listen() (err error) {
	defer func() {
		if err != nil {
			s.closeControl()
		}
	}()
	if s.control, err = listen(s.cfg.Listen, "ftp.listen"); err != nil {
		return err
	}
	if s.cfg.ListenTLS != "" {
		if s.implicit, err = listen(s.cfg.ListenTLS, "ftp.listen_tls"); err != nil {
			return err
		}
	}
	host, _, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return &PortError{s.cfg.Listen, "ftp.listen", err}
	}
	s.ports, err = data.Listen(host, s.cfg.PassiveFirst, s.cfg.PassiveLast, s.cfg.DataTimeout, s.cfg.Log)
	if err != nil {
		var op *net.OpError
		port := ""
		if errors.As(err, &op) && op.Addr != nil {
			port = op.Addr.String()
		}
		return &PortError{port, "ftp.passive_ports", err}
	}
	return nil
}

func listen(addr, key string) (*net.TCPListener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &PortError{addr, key, err}
	}
	return l.(*net.TCPListener), nil
}

// closeControl lets no control connection in any more.
func (s *Server) closeControl() {
	for _, l := range []*net.TCPListener{s.control, s.implicit} {
		if l != nil {
			l.Close()
		}
	}
}

// Addr is where control connections are taken, after Listen.
func (s *Server) Addr() netip.AddrPort { return addrPort(s.control) }

// AddrTLS is where they are TLS from the first byte; the zero AddrPort: nowhere.
func (s *Server) AddrTLS() netip.AddrPort {
	if s.implicit == nil {
		return netip.AddrPort{}
	}
	return addrPort(s.implicit)
}

func addrPort(l *net.TCPListener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// Awaited are the passive ports on which connections are awaited now, and how
// many on each. It is for the time after Listen.
func (s *Server) Awaited() map[uint16]int { return s.ports.Awaited() }

// LimitSegments clamps the TCP segments of connections that are made from now on
// to size bytes, control and data, so that they fit a path that swallows larger
// packets. Zero: the kernel's choice. It is for the time after Listen.
func (s *Server) LimitSegments(size int) error {
	s.segment.Store(int64(size))
	err := errors.Join(data.LimitSegments(s.control, size), s.ports.LimitSegments(size))
	if s.implicit != nil {
		err = errors.Join(err, data.LimitSegments(s.implicit, size))
	}
	return err
}

// Run serves until ctx ends; then it lets nobody in any more, waits for the
// transfers that run, at most for DrainTimeout, and returns.
func (s *Server) Run(ctx context.Context) error {
	front := control.New(control.Config{
		Log:         s.cfg.Log,
		Banner:      "natftpd ready.",
		Accounts:    s.cfg.Accounts,
		Sessions:    s.cfg.Sessions,
		Bans:        s.cfg.Bans,
		Neighbour:   func(client netip.Addr) bool { return neighbour(client, s.cfg.Status()) },
		TLS:         s.cfg.TLS,
		TLSRequired: s.cfg.TLSRequired,
		ActiveMode:  s.cfg.ActiveMode,
		IdleTimeout: s.cfg.IdleTimeout,
		DataTimeout: s.cfg.DataTimeout,
		Ports:       s.ports,
		Advertise:   s.advise,
		Awaited:     s.cfg.Awaited,
		Counters:    s.cfg.Counters,
		MaxSegment:  func() int { return int(s.segment.Load()) },
	})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(front.Run)
	group.Go(func() error { return front.Serve(s.control) })
	if s.implicit != nil {
		group.Go(func() error { return front.ServeTLS(s.implicit) })
	}
	group.Go(func() error {
		<-ctx.Done()
		s.closeControl()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
		defer cancel()
		if n := s.cfg.Sessions.Drain(drain); n > 0 {
			s.cfg.Log.Warn("transfers cut at shutdown", "sessions", n, "after", s.cfg.DrainTimeout)
		}
		front.Close()
		s.ports.Close()
		return nil
	})
	return group.Wait()
}

// advise is Advertise with the ports that go with the address.
func (s *Server) advise(client, local netip.Addr) control.Advice {
	st := s.cfg.Status()
	addr, class := Advertise(client, local, st, s.cfg.Overrides)
	switch class {
	case ClassOutside, ClassUnknown:
		if class == ClassUnknown && !s.unknown.Swap(true) {
			s.cfg.Log.Warn("external address unknown: a client from outside is told the local one", "client", client, "told", addr, "verdict", st.Verdict, "advice", st.Advice)
		}
		if class == ClassOutside {
			s.unknown.Store(false)
		}
		if !client.Is4() { // the mappings are IPv4's
			return control.Advice{Addr: addr, Ports: st.Inside, Outside: true, Class: string(class)}
		}
		return control.Advice{Addr: addr, Ports: st.Outside, Outside: true, Class: string(class)}
	case ClassHairpin:
		return control.Advice{Addr: addr, Ports: st.Outside, Outside: true, Class: string(class)}
	}
	return control.Advice{Addr: addr, Ports: st.Inside, Class: string(class)}
}

// neighbour tells whether a client is this host or of its own network. One that
// comes in through the router's own address is neither: whoever is behind it
// need not be.
func neighbour(client netip.Addr, st *natdiscovery.Status) bool {
	_, class := Advertise(client, st.Network.Local, st, nil)
	return class == ClassHost || class == ClassLAN && client.Unmap() != st.Network.Router
}
