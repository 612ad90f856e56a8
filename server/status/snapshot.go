package status

import (
	"net"
	"net/netip"
	"strconv"
	"time"
)

// API is the version of the Snapshot's JSON. Names are added without a new one;
// none changes its meaning or goes away.
const API = 1

// Snapshot is everything that is shown, at one moment. It is what /api/status
// answers, and docs/api.md describes its fields. Times that are not known are left
// out.
type Snapshot struct {
	API     int       `json:"api"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	Started time.Time `json:"started"`

	// Verdict is natdiscovery's; Sentence says it to somebody who does not know
	// the word, State how bad it is, Advice what to do ("": nothing).
	Verdict  string `json:"verdict"`
	Sentence string `json:"sentence"`
	State    State  `json:"state"`
	Advice   string `json:"advice"`
	// Address is what friends type into their FTP client; "": there is none.
	Address string `json:"address"`
	// ExternalAddress is the external address, Source how it was learnt.
	ExternalAddress string    `json:"external_address"`
	Source          string    `json:"source"`
	Confirmed       time.Time `json:"confirmed,omitzero"`

	Sources  []Source  `json:"sources"`
	Network  Network   `json:"network"`
	Gateway  *Gateway  `json:"gateway"`
	Path     []Hop     `json:"path"`
	Mappings []Mapping `json:"mappings"`
	Passive  Passive   `json:"passive"`

	Sessions   []Session  `json:"sessions"`
	Transfers  []Transfer `json:"transfers"`
	Bans       []Ban      `json:"bans"`
	Throughput Throughput `json:"throughput"`
	Totals     Totals     `json:"totals"`
	Events     []Event    `json:"events"`
}

// State says how good or bad something is. It is never told by colour alone.
type State string

// The states.
const (
	StateGood    State = "good"
	StatePending State = "pending" // not known yet
	StateWarning State = "warning" // works, but less
	StateBad     State = "bad"
)

// Source is somebody's word on the external address.
type Source struct {
	Name    string    `json:"name"`
	Address string    `json:"address"`
	Seen    time.Time `json:"seen,omitzero"`
	// Believed: it is the one that clients are told.
	Believed bool `json:"believed"`
}

// Network is this host's place in its LAN.
type Network struct {
	Interface string   `json:"interface"`
	Address   string   `json:"address"`
	Router    string   `json:"router"`
	LANs      []string `json:"lan_networks"`
	PathMTU   int      `json:"path_mtu"`
	Hairpin   string   `json:"hairpin"`
}

// Gateway is the router that opens ports for us.
type Gateway struct {
	Address  string    `json:"address"`
	Model    string    `json:"model"`
	Method   string    `json:"method"`
	Service  string    `json:"service"`
	External string    `json:"external_address"`
	Seen     time.Time `json:"seen,omitzero"`
}

// Hop is one station on the way from a client to this host.
type Hop struct {
	Name  string   `json:"name"`
	State State    `json:"state"`
	Label string   `json:"label"` // what the state means here
	Facts []string `json:"facts"`
}

// Mapping is one port of ours on the gateway, or in its IPv6 firewall.
type Mapping struct {
	Kind     string    `json:"kind"` // control, implicit TLS, data or pinhole
	Internal string    `json:"internal"`
	External uint16    `json:"external_port"`
	Method   string    `json:"method"`
	State    string    `json:"state"`
	Expires  time.Time `json:"expires,omitzero"`
	Problem  string    `json:"problem"`
}

// Passive are the passive ports.
type Passive struct {
	First uint16        `json:"first"`
	Last  uint16        `json:"last"`
	Ports []PassivePort `json:"ports"`
}

// PassivePort is one of them, Detail why it is in its state.
type PassivePort struct {
	Port   uint16  `json:"port"`
	Use    PortUse `json:"use"`
	Detail string  `json:"detail"`
}

// PortUse says whether a client can be told a passive port.
type PortUse string

// The uses of a passive port.
const (
	PortFree       PortUse = "free"
	PortInUse      PortUse = "in use"
	PortUnverified PortUse = "unverified"
	PortHeld       PortUse = "held by another"
)

// Session is somebody who is connected.
type Session struct {
	ID     uint64    `json:"id"`
	Client string    `json:"client"`
	User   string    `json:"user"` // "": not logged in
	Since  time.Time `json:"since"`
}

// Transfer is what one session moves now.
type Transfer struct {
	Session   uint64    `json:"session"`
	User      string    `json:"user"`
	Client    string    `json:"client"`
	Command   string    `json:"command"`
	Direction string    `json:"direction"` // download, upload or listing
	Path      string    `json:"path"`
	Channel   string    `json:"channel"`      // clear or tls
	Port      uint16    `json:"passive_port"` // 0: active mode
	Since     time.Time `json:"since"`
	// Bytes have moved since the transfer began at Offset; the whole file has
	// Size, -1: not known.
	Bytes  int64 `json:"bytes"`
	Offset int64 `json:"offset"`
	Size   int64 `json:"size"`
	// BytesPerSecond is the speed now, SecondsLeft how long it takes at that
	// speed; -1: not known.
	BytesPerSecond int64 `json:"bytes_per_second"`
	SecondsLeft    int64 `json:"seconds_left"`
}

// Ban keeps an address out.
type Ban struct {
	Clients string    `json:"clients"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Times   int       `json:"times"`
}

// Throughput is how much moved in the last ten minutes, in bytes a second of so
// many Seconds each, the oldest first.
type Throughput struct {
	Seconds  int     `json:"seconds"`
	Sent     []int64 `json:"sent"`
	Received []int64 `json:"received"`
}

// Totals are counted since the start.
type Totals struct {
	Sent           int64  `json:"sent_bytes"`
	Received       int64  `json:"received_bytes"`
	AddressChanges uint64 `json:"external_address_changes"`
}

// text is an address, or nothing.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// prefixText is a network, or an address where it is of one alone.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// friendly is what a person types into an FTP client.
func friendly(a netip.AddrPort) string {
	host := a.Addr().String()
	if a.Port() != 21 {
		host = net.JoinHostPort(host, strconv.Itoa(int(a.Port())))
	} else if a.Addr().Is6() {
		host = "[" + host + "]"
	}
	return "ftp://" + host
}
