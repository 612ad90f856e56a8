// Package conf is what the operator wrote: the configuration file, the
// environment and the flags, read in this order over the defaults and checked
// into one Config. Every mistake is found at once and told with the place where
// it was written and with what to write instead.
//
// The package knows what a well-formed value is and which values contradict each
// other. It knows nothing of the network, of FTP sessions or of password hashes,
// opens no socket, touches no home, and imports nothing of this project.
//
// Words: a key is a dotted name of the file, such as ftp.listen; a value's origin
// is where it was written last ("default", "natftpd.yaml:12", "environment
// NATFTPD_FTP_LISTEN", "flag --listen"). The table in keys.go has one row for each
// key, and everything else follows from it.
package conf

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is a whole, valid configuration.
type Config struct {
	FTP    FTP
	Bans   Bans
	NAT    NAT
	TLS    TLS
	Users  []User
	Hooks  []Hook
	Status Status
	Log    Log
	// StateDir is the folder for what must outlive a restart. Empty: the
	// default, which Loaded.StateFolder finds.
	StateDir string
}

// FTP is the section ftp.
type FTP struct {
	// Listen is host:port of control connections. An empty host is every
	// address, IPv4 and IPv6; port 0 is any free one.
	Listen string
	// ListenTLS is the same for implicit FTPS. Empty: not served.
	ListenTLS string
	// PassivePorts are the ports of data connections that clients open.
	PassivePorts PortRange
	// ActiveMode says whether PORT and EPRT are served.
	ActiveMode bool
	// IdleTimeout ends a control connection that has neither a command nor a
	// transfer.
	IdleTimeout time.Duration
	// DataTimeout ends a data connection that nobody opens, or that stands still.
	DataTimeout time.Duration
	// MaxSessions, MaxSessionsPerIP and MaxSessionsPerUser are how many there
	// may be at a time, NewSessionsPerIP how many may begin in a second. Zero: no
	// bound. An address of IPv6 is its /64.
	MaxSessions, MaxSessionsPerIP, MaxSessionsPerUser, NewSessionsPerIP int
	// Upload says whether the old file stays until the new one is whole.
	Upload Upload
	// UploadSync answers an upload only when the disk has it.
	UploadSync bool
	// KeepPartial is how long a broken upload waits to be resumed.
	KeepPartial time.Duration
	// Umask and Owner are for the files and folders that are made.
	Umask Umask
	Owner Owner
}

// Upload is how a file that is sent takes its place.
type Upload string

// The values of ftp.upload.
const (
	UploadAtomic Upload = "atomic"
	UploadDirect Upload = "direct"
)

// Bans is the section bans: whose wrong passwords keep an address out.
type Bans struct {
	// After is how many wrong passwords it takes. Zero: nobody is banned.
	After int
	// Time is the length of the first ban; each further one is twice as long, up
	// to MaxTime.
	Time, MaxTime time.Duration
	// Exempt are never banned.
	Exempt Clients
}

// PortRange is First to Last, both included.
type PortRange struct{ First, Last uint16 }

// Len is the number of ports in r.
func (r PortRange) Len() int { return int(r.Last) - int(r.First) + 1 }

// Contains says whether port is one of r.
func (r PortRange) Contains(port uint16) bool { return r.First <= port && port <= r.Last }

// NAT is the section nat.
type NAT struct {
	ExternalAddress ExternalAddress
	PortMapping     PortMapping
	// ExternalControlPort is what outside clients dial. Zero: the port of
	// FTP.Listen.
	ExternalControlPort uint16
	// STUNServers are host:port each, none or at least two.
	STUNServers []string
	LANNetworks LANNetworks
	// AddressOverrides are in the operator's order: the first match wins.
	AddressOverrides []AddressOverride
	// Lease is what a mapping is asked for. Zero: one that never ends.
	Lease time.Duration
	// CheckInterval is how often the gateway is asked when it sends no events.
	CheckInterval time.Duration
	// IPv6Pinholes asks the gateway to let the internet in by IPv6 as well.
	IPv6Pinholes bool
	// MaxSegmentSize limits the TCP segments of all connections.
	MaxSegmentSize SegmentSize
}

// SegmentSize is a limit on TCP segments.
type SegmentSize struct {
	// Auto: from the measured path MTU.
	Auto bool
	// Bytes is the limit. Zero: none, the system chooses.
	Bytes uint16
}

// ExternalAddress is where the external address comes from: exactly one field
// is set.
type ExternalAddress struct {
	// Auto: from the gateway and from STUN.
	Auto bool
	// Addr is an IPv4 address that the internet can reach.
	Addr netip.Addr
	// Host is a name to look up again and again.
	Host string
}

// PortMapping is how the gateway is asked for mappings.
type PortMapping struct {
	// Auto says that Methods are all that there are, in the best order.
	Auto bool
	// Methods are names such as "upnp". None: the operator forwarded the ports.
	Methods []string
}

// Off says that no mapping is asked for: the operator forwarded the ports.
func (p PortMapping) Off() bool { return len(p.Methods) == 0 }

// LANNetworks are those whose clients are told our LAN address.
type LANNetworks struct {
	// Auto adds the prefixes of this host's interfaces.
	Auto     bool
	Prefixes []netip.Prefix
}

// AddressOverride is the address that some clients are told, whatever else is
// known.
type AddressOverride struct {
	Clients netip.Prefix
	// Local tells them the address that their control connection came in on;
	// otherwise they are told Addr, an IPv4 address.
	Local bool
	Addr  netip.Addr
}

// TLSMode says whether clients may, or must, use TLS.
type TLSMode string

// The values of tls.mode.
const (
	TLSOff      TLSMode = "off"
	TLSOptional TLSMode = "optional"
	TLSRequired TLSMode = "required"
)

// TLS is the section tls.
type TLS struct {
	Mode TLSMode
	// Certificate and Key are PEM files: both are set, or neither. Neither: a
	// self-signed certificate. Whether they can be read is not known here.
	Certificate, Key string
}

// Anonymous is the user whom every password lets in.
const Anonymous = "anonymous"

// User is one who may log in.
type User struct {
	Name string
	// Password is a hash or plain text. Empty for Anonymous, and only there.
	Password string
	// Home is the folder that the user sees, as it was written: a relative one
	// begins where the server was started.
	Home   string
	Access Access
	// Start is where a session begins, as an FTP path.
	Start string
	// Quota is what the home may hold in bytes, MaxRate what may be sent and
	// received in bytes a second each. Zero: no bound.
	Quota, MaxRate int64
	// AllowFrom is where the user may log in from. None: from everywhere.
	AllowFrom Clients
}

// Access is what a user may do with the files.
type Access string

// The values of access.
const (
	ReadWrite  Access = "read-write"
	ReadOnly   Access = "read-only"
	UploadOnly Access = "upload-only"
)

// Status is the section status: the status page.
type Status struct {
	// Listen is host:port of the page. Empty: there is none.
	Listen string
	// Password is a hash or plain text. Empty: none is asked for, and Listen is
	// loopback.
	Password string
}

// Log is the section log.
type Log struct {
	Level slog.Level
	// Format is "text" or "json".
	Format string
	// Xferlog is a file that gets a line for each transfer. Empty: none does.
	Xferlog string
}
