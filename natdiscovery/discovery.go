// Package natdiscovery knows what the internet sees of this host and keeps it so:
// the external address, and the ports that the home router opens for us.
//
// One loop owns the gateway, the leases and the timers; everybody else reads an
// immutable Status that it publishes. What the loop decides is pure (core): the
// shell around it asks the gateway, STUN servers and name servers, one gateway
// request at a time and the others beside it, so that a dead router delays
// nothing. Announcements are reasons to ask, never answers. What may be left on a
// gateway is in a journal before it is asked for, so that the next start finds it.
// Whatever fails is tried again; nothing of it stops the service that uses the
// Status. The package does not know FTP, files, or how a gateway is
// spoken to: that is the method packages'.
package natdiscovery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/pcp"
	"natftpd/natdiscovery/route"
	"natftpd/natdiscovery/stun"
)

// Config says what is to be reached from outside and how that is found out. The
// functions are this host's network by default.
type Config struct {
	// Log is told of each change once. nil: nobody is.
	Log *slog.Logger
	// ControlPort is the port we listen on for control connections,
	// ExternalControlPort what outside clients dial; zero: the same.
	ControlPort, ExternalControlPort uint16
	// FirstPassive to LastPassive are the passive ports, the same outside.
	FirstPassive, LastPassive uint16
	// ImplicitPort is where we listen for control connections that are TLS from
	// the first byte (implicit FTPS), the same outside. Zero: nowhere.
	ImplicitPort uint16

	// ExternalAddress is the address that the operator wrote; the zero Addr:
	// none. ExternalHost is a host name instead, looked up again each minute.
	ExternalAddress netip.Addr
	ExternalHost    string
	// Methods is how a gateway may be asked, the preferred way first: it is used
	// if several answer, and the next one when it opens nothing. Empty: port mapping
	// is off, and nothing at all is asked from the router, not even its address.
	Methods []gateway.Method
	// InterfaceLANs makes the prefixes of this host's interfaces LANs, LANs
	// are the operator's besides.
	InterfaceLANs bool
	LANs          []netip.Prefix
	// Lease is asked for with every mapping. Zero: one that never ends.
	Lease time.Duration
	// Pinholes opens the same ports in the gateway's IPv6 firewall as well.
	Pinholes bool
	// CheckInterval is the longest until a new address that the gateway tells
	// is noticed. Zero: 15 s.
	CheckInterval time.Duration
	// STUNServers are host:port, of different operators. Empty: STUN is off.
	STUNServers []string
	// Description marks our mappings in the router's pages: printable ASCII,
	// at most 32 bytes. Empty: "natftpd".
	Description string

	// StateDir is the folder that the journal is kept in: what is on the router and
	// the last address, for the next start. "": it is not kept.
	StateDir string

	// Discover finds a gateway by one method. It returns gateway.ErrNotFound if
	// none answers, and ends soon after ctx. It is called for several methods at
	// the same time.
	Discover func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error)
	// AskSTUN asks STUN servers for our reflexive address.
	AskSTUN func(ctx context.Context) []stun.Answer
	// Network reads this host's place in its LAN. WatchNetwork calls changed
	// when that may be another one, until ctx ends.
	Network      func() (route.Network, error)
	WatchNetwork func(ctx context.Context, changed func()) error
	// Announcements listens for the announcements of PCP and NAT-PMP gateways in
	// the LAN of an interface, and tells of those by the router, until ctx ends.
	Announcements func(ctx context.Context, iface string, router netip.Addr, tell func(gateway.Reason)) error
	// Behaviour compares what STUN servers see of one UDP port, PathMTU measures
	// the largest packet that the way from an interface to the internet takes.
	Behaviour func(ctx context.Context) (stun.NATBehaviour, error)
	PathMTU   func(ctx context.Context, iface string) (mtu int, known bool, err error)
	// Trace tells the first routers on the way to the internet, as Status.Hops.
	Trace func(ctx context.Context) ([]netip.Addr, error)
	// TryHairpin connects to the control port by the external address, which the
	// gateway has opened.
	TryHairpin func(ctx context.Context, target netip.AddrPort) error
	// Random is a number in [0, 1) that spreads renewals by PCP, and recoveries (RFC
	// 6887, sections 11.2.1 and 14.1.3).
	Random func() float64
	// LookupHost resolves ExternalHost.
	LookupHost func(ctx context.Context, host string) ([]netip.Addr, error)
}

const defaultCheckInterval = 15 * time.Second

// withDefaults fills in this host's network. The secret is that of the journal.
func (cfg Config) withDefaults(secret pcp.Secret) Config {
	if cfg.CheckInterval == 0 {
		cfg.CheckInterval = defaultCheckInterval
	}
	if cfg.Description == "" {
		cfg.Description = "natftpd"
	}
	if servers := cfg.STUNServers; cfg.AskSTUN == nil && len(servers) > 0 {
		cfg.AskSTUN = func(ctx context.Context) []stun.Answer {
			return stun.Ask(ctx, stun.Config{Servers: servers})
		}
	}
	if servers := cfg.STUNServers; cfg.Behaviour == nil && len(servers) > 0 {
		cfg.Behaviour = func(ctx context.Context) (stun.NATBehaviour, error) {
			return stun.Behaviour(ctx, stun.Config{Servers: servers})
		}
	}
	if cfg.PathMTU == nil && len(cfg.STUNServers) > 0 {
		cfg.PathMTU = pathMTU(cfg.STUNServers)
	}
	if servers := cfg.STUNServers; cfg.Trace == nil && len(servers) > 0 {
		cfg.Trace = func(ctx context.Context) ([]netip.Addr, error) {
			return stun.Trace(ctx, stun.Config{Servers: servers})
		}
	}
	if cfg.TryHairpin == nil {
		cfg.TryHairpin = dial
	}
	if cfg.Discover == nil {
		cfg.Discover = speaker{secret}.discover
	}
	if cfg.Announcements == nil {
		cfg.Announcements = pcp.Listen
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	if cfg.Network == nil {
		cfg.Network = route.Current
	}
	if cfg.WatchNetwork == nil {
		cfg.WatchNetwork = route.Watch
	}
	if cfg.LookupHost == nil {
		cfg.LookupHost = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		}
	}
	return cfg
}

// Discovery is the loop. Its methods may be called by any goroutine.
type Discovery struct {
	cfg  Config
	core *core // Run's
	now  atomic.Pointer[moment]
	told reachability // Run's: as it was logged last

	secret  pcp.Secret // of the journal
	changes chan Config

	reports  chan DataConnection
	reported atomic.Int64 // when an arrival was last reported, in Unix nanoseconds
}

// moment is a Status and the channel that is closed when it is no longer true.
type moment struct {
	status  Status
	changed chan struct{}
}

// New makes a Discovery, which reads the journal; Run starts it. Until the first
// answer its Status has the external address of the last run.
func New(cfg Config) *Discovery {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	j := store(cfg.StateDir).load(cfg.Log)
	if j.secret == (pcp.Secret{}) {
		j.secret = pcp.NewSecret()
	}
	return newDiscovery(cfg.withDefaults(j.secret), j)
}

// newDiscovery makes a Discovery of a Config without gaps.
func newDiscovery(cfg Config, j journal) *Discovery {
	d := &Discovery{cfg: cfg, core: newCore(cfg, j), reports: make(chan DataConnection, reportsQueued),
		secret: j.secret, changes: make(chan Config, 1)}
	d.core.stagger = time.Duration(cfg.Random() * float64(maxStagger))
	st := d.core.status()
	d.told = reachability{st.Verdict, st.Advice}
	d.now.Store(&moment{st, make(chan struct{})})
	return d
}

// Status is what is known at this moment. It never waits. The caller must not
// change what it points to.
func (d *Discovery) Status() *Status { return &d.now.Load().status }

// Changed returns a channel that is closed at the next change that matters to
// somebody: of an address, a port, the verdict, the gateway or the network, and not
// when something known is confirmed. Take it before the Status that is compared.
func (d *Discovery) Changed() <-chan struct{} { return d.now.Load().changed }

// publish makes s the Status.
func (d *Discovery) publish(s Status) {
	defer d.reportReachability(&s)
	old := d.now.Load()
	if s.sameAs(&old.status) {
		d.now.Store(&moment{s, old.changed})
		return
	}
	d.now.Store(&moment{s, make(chan struct{})})
	report(d.core.cfg, &old.status, &s)
	close(old.changed)
}
