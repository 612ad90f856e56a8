package nattest

import (
	"net/netip"
	"time"
)

// Behaviour says how a fake router differs from a well-behaved one, which is
// the zero Behaviour. Each field is what some real router does.
type Behaviour struct {
	// Version of the IGD, 1 or 2; zero is 1.
	Version int
	// Model is the router's model name.
	Model string
	// Services are the connection services described; none: one
	// WANIPConnection of the Version.
	Services []Service
	// URLBase is the description's URLBase element; PORT in it stands for
	// the port of the web server.
	URLBase string

	// SearchSilent leaves searches unanswered.
	SearchSilent bool
	// SearchAnswer replaces the answer to a search; LOCATION in it stands
	// for the true location.
	SearchAnswer []byte
	// SearchCopies sends each answer so many times more.
	SearchCopies int
	// LocationHost is the host named in the location instead of the
	// router's own.
	LocationHost string

	// WebSilent takes connections and requests and never answers.
	WebSilent bool
	// Description replaces the description.
	Description []byte
	// DescriptionRedirect sends whoever asks for the description there.
	DescriptionRedirect string
	// DescriptionEndless sends a description that never ends.
	DescriptionEndless bool

	// Faults are the UPnP error codes that actions are answered with, by
	// "Action" or "ServiceType:version#Action".
	Faults map[string]int
	// BareFaults leaves faultstring and errorDescription out.
	BareFaults bool
	// ControlStatus answers every action with this HTTP status and no body.
	ControlStatus int
	// ControlAnswer answers every action with these bytes.
	ControlAnswer []byte
	// NoLeases is the code (725, or 402 on some) that a mapping with a lease
	// is refused with.
	NoLeases int
	// LongestLease shortens leases; zero: as asked.
	LongestLease time.Duration
	// HideLeases lists every mapping with no time left.
	HideLeases bool
	// EmptyAdds answers a mapping that was made with no body.
	EmptyAdds bool
	// IgnoreAdds says yes to a mapping and forgets it.
	IgnoreAdds bool
	// DisableAdds lists new mappings as disabled.
	DisableAdds bool
	// NoEntry is the code for a port that nobody has; zero: 714.
	NoEntry int
	// Overwrite lets a host take another host's port.
	Overwrite bool
	// NoRenewal answers 718 to a host that renews before the lease ended.
	NoRenewal bool
	// Capacity is how many mappings the table takes before 728; zero: any.
	Capacity int
	// LowestPort is the lowest port that may be mapped; others give 606.
	LowestPort uint16
}

// Service is a connection service of the fake router.
type Service struct {
	// Type is the short service type, like "WANPPPConnection:1".
	Type string
	// Down says that its connection is not up.
	Down bool
	// External is its own external address; the zero Addr: the router's, or
	// 0.0.0.0 when it is down.
	External netip.Addr
	// Host makes its control URL an absolute one to this host, or host:port;
	// PORT in it stands for the port of the web server.
	Host string
}

// Behave changes how the router behaves from now on.
func (r *Router) Behave(change func(*Behaviour)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.does)
}
