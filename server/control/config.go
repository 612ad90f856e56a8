package control

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"time"

	"natftpd/driver"
	"natftpd/server/data"
)

// Config is what the front serves with.
type Config struct {
	Log *slog.Logger
	// Banner is the text of the 220 greeting.
	Banner string
	// Accounts decide who may log in, Sessions how many.
	Accounts *driver.Accounts
	Sessions *driver.Sessions
	// Bans keep out who guesses passwords. nil: nobody is kept out.
	Bans *driver.Bans
	// Neighbour tells whether a client is this host or of its own network. It
	// must return at once. nil: nobody is.
	Neighbour func(netip.Addr) bool
	// Shared tells whether a client's address is one that others hide behind: our
	// own router's. A ban of it would keep out the LAN, or the internet; so it is
	// exempt where the LAN is. It must return at once. nil: none is.
	Shared func(netip.Addr) bool
	// TLS is for control and data connections alike: a client resumes the
	// session of one on the other. nil: no TLS.
	TLS *tls.Config
	// TLSRequired refuses logins and data connections in clear.
	TLSRequired bool
	// ActiveMode allows PORT and EPRT.
	ActiveMode bool
	// IdleTimeout ends a session that neither commands nor transfers.
	IdleTimeout time.Duration
	// Patience is how long clients may keep the front waiting otherwise.
	Patience Patience
	// DataTimeout ends a data connection that nobody opens, or that stands
	// still.
	DataTimeout time.Duration
	// Ports are the passive ports.
	Ports *data.Ports
	// Advertise says what a client is told to connect to: from memory, at
	// once. local is the address at which the client reached us.
	Advertise func(client, local netip.Addr) Advice
	// Awaited is told of each passive data connection whether it came: evidence
	// of how the internet reaches us. It must return at once. nil: nobody is.
	Awaited func(Outcome)
	// Counters count what the front does. nil: nobody looks.
	Counters *Counters
	// Happened is told what clients did. It must return at once. nil: nobody is.
	Happened func(Event)
	// MaxSegment is the size of the TCP segments of connections that we dial;
	// zero: the kernel's choice. nil: always zero.
	MaxSegment func() int
}

// withDefaults fills in what is nil or zero.
func (cfg Config) withDefaults() Config {
	if cfg.Awaited == nil {
		cfg.Awaited = func(Outcome) {}
	}
	if cfg.Happened == nil {
		cfg.Happened = func(Event) {}
	}
	if cfg.Counters == nil {
		cfg.Counters = new(Counters)
	}
	if cfg.Neighbour == nil {
		cfg.Neighbour = func(netip.Addr) bool { return false }
	}
	if cfg.Shared == nil {
		cfg.Shared = func(netip.Addr) bool { return false }
	}
	if cfg.MaxSegment == nil {
		cfg.MaxSegment = func() int { return 0 }
	}
	cfg.Patience = cfg.Patience.orDefaults()
	return cfg
}

// Patience is how long a client may keep the front waiting. Zero fields have
// defaults.
type Patience struct {
	// Login is the time from connecting to a login: a minute.
	Login time.Duration
	// Handshake is the time of a TLS handshake on the control connection: 15 s.
	Handshake time.Duration
	// Reply is how long replies may stay unread while the next ones wait: 30 s.
	Reply time.Duration
}

func (p Patience) orDefaults() Patience {
	return Patience{
		Login:     cmp.Or(p.Login, time.Minute),
		Handshake: cmp.Or(p.Handshake, 15*time.Second),
		Reply:     cmp.Or(p.Reply, 30*time.Second),
	}
}

// Outcome is what became of a passive data connection.
type Outcome struct {
	Client netip.Addr
	// Told is where the client was sent.
	Told netip.AddrPort
	// Outside says that the client is not one of our own network.
	Outside bool
	// Arrived: it came in time.
	Arrived bool
}

// Advice is where the data connection of one client has to go.
type Advice struct {
	// Addr is what 227 carries. IPv4.
	Addr netip.Addr
	// Ports are the passive ports that this client may be told.
	Ports []uint16
	// Outside says that the client is not one of our own network.
	Outside bool
	// Class is who the client is, for the counters. There are few.
	Class string
}
