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
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
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
	// Control and ControlTLS listen in the place of Listen and ListenTLS: a
	// service manager has opened them. nil: we do.
	Control, ControlTLS *net.TCPListener
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
	// Happened is told what clients did. nil: nobody is.
	Happened func(control.Event)
	// Counters count what clients did. nil: nobody looks.
	Counters *control.Counters
	// DrainTimeout bounds how long transfers may go on after the end of Run's
	// context.
	DrainTimeout time.Duration
}

// Server is the FTP service. New starts nothing, Listen opens the ports, Run
// serves, Change has it go by another Config.
type Server struct {
	cfg     atomic.Pointer[Config]
	ports   *data.Ports
	front   *control.Front
	segment atomic.Int64 // TCP segments of at most so many bytes; zero: the kernel's choice
	unknown atomic.Bool  // "external address unknown" was said, and it still is

	serving sync.WaitGroup // one for each door

	mu    sync.Mutex // held while doors change
	doors []*door
	phase phase
}

// phase is how far a Server is in its life.
type phase int

const (
	fresh phase = iota
	running
	ending
)

// New returns a service that does nothing yet.
func New(cfg Config) *Server {
	s := new(Server)
	s.cfg.Store(&cfg)
	return s
}

// Listen opens the control ports and the passive ports, all or none. The error
// is a *PortError.
func (s *Server) Listen() error {
	cfg := s.cfg.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := move(nil, doorsOf(*cfg))
	if err != nil {
		return err
	}
	host, err := passiveHost(*cfg)
	if err == nil {
		s.ports, err = data.Listen(host, cfg.PassiveFirst, cfg.PassiveLast, cfg.DataTimeout, cfg.Log)
	}
	if err != nil {
		closeAll(m.all)
		return passiveError(err)
	}
	s.doors, s.front = m.all, control.New(s.frontOf(*cfg))
	return nil
}

// serve takes control connections at doors until they are closed.
func (s *Server) serve(doors []*door) {
	for _, d := range doors {
		serve, l := s.front.Serve, d.listener
		if d.implicit {
			serve = s.front.ServeTLS
		}
		if l == nil { // it could not be opened again, which was said
			continue
		}
		s.serving.Go(func() {
			if err := serve(l); err != nil {
				s.cfg.Load().Log.Error("a control port is not served", "key", d.key, "error", err)
			}
		})
	}
}

// Addr is where control connections are taken, after Listen.
func (s *Server) Addr() netip.AddrPort { return s.addr(false) }

// AddrTLS is where they are TLS from the first byte; the zero AddrPort: nowhere.
func (s *Server) AddrTLS() netip.AddrPort { return s.addr(true) }

func (s *Server) addr(implicit bool) netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		if d.implicit == implicit && d.listener != nil {
			return d.listener.Addr().(*net.TCPAddr).AddrPort()
		}
	}
	return netip.AddrPort{}
}

// Awaited are the passive ports on which connections are awaited now, and how
// many on each. It is for the time after Listen.
func (s *Server) Awaited() map[uint16]int { return s.ports.Awaited() }

// LimitSegments clamps the TCP segments of connections that are made from now on
// to size bytes, control and data, so that they fit a path that swallows larger
// packets. Zero: the kernel's choice. It is for the time after Listen.
func (s *Server) LimitSegments(size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segment.Store(int64(size))
	return s.limitSegments()
}

func (s *Server) limitSegments() error {
	size := int(s.segment.Load())
	err := s.ports.LimitSegments(size)
	for _, d := range s.doors {
		if d.listener != nil {
			err = errors.Join(err, data.LimitSegments(d.listener, size))
		}
	}
	return err
}

// Run serves until ctx ends; then it lets nobody in any more, waits for the
// transfers that run, at most for DrainTimeout, and returns.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	s.phase = running
	s.serve(s.doors)
	s.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(s.front.Run)
	group.Go(func() error {
		<-ctx.Done()
		s.mu.Lock()
		s.phase = ending
		closeAll(s.doors)
		s.mu.Unlock()
		cfg := s.cfg.Load()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.DrainTimeout)
		defer cancel()
		if n := cfg.Sessions.Drain(drain); n > 0 {
			cfg.Log.Warn("transfers cut at shutdown", "sessions", n, "after", cfg.DrainTimeout)
		}
		s.front.Close()
		s.ports.Close()
		s.serving.Wait()
		return nil
	})
	return group.Wait()
}

// frontOf is cfg in the words of the front.
func (s *Server) frontOf(cfg Config) control.Config {
	return control.Config{
		Log:         cfg.Log,
		Banner:      "natftpd ready.",
		Accounts:    cfg.Accounts,
		Sessions:    cfg.Sessions,
		Bans:        cfg.Bans,
		Neighbour:   func(client netip.Addr) bool { return neighbour(client, cfg.Status()) },
		Shared:      func(client netip.Addr) bool { return hidesOthers(client, cfg.Status()) },
		TLS:         cfg.TLS,
		TLSRequired: cfg.TLSRequired,
		ActiveMode:  cfg.ActiveMode,
		IdleTimeout: cfg.IdleTimeout,
		DataTimeout: cfg.DataTimeout,
		Ports:       s.ports,
		Advertise:   s.advise,
		Awaited:     cfg.Awaited,
		Happened:    cfg.Happened,
		Counters:    cfg.Counters,
		MaxSegment:  func() int { return int(s.segment.Load()) },
	}
}

// advise is Advertise with the ports that go with the address.
func (s *Server) advise(client, local netip.Addr) control.Advice {
	cfg := s.cfg.Load()
	st := cfg.Status()
	addr, class := Advertise(client, local, st, cfg.Overrides)
	switch class {
	case ClassOutside, ClassUnknown:
		if class == ClassUnknown && !s.unknown.Swap(true) {
			cfg.Log.Warn("external address unknown: a client from outside is told the local one", "client", client, "told", addr, "verdict", st.Verdict, "advice", st.Advice)
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
	case ClassHost: // no router has a say in it
		return control.Advice{Addr: addr, Ports: s.ports.Numbers(), Class: string(class)}
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

// hidesOthers tells whether a client comes from an address of our router, where
// others come from, too: its LAN address, if it hides the internet behind that, as
// some do and Docker's own; and the external one, if it loops the LAN back.
func hidesOthers(client netip.Addr, st *natdiscovery.Status) bool {
	client = client.Unmap()
	return client == st.Network.Router || client == st.External
}
