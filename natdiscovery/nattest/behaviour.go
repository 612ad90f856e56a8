package nattest

import (
	"net/netip"
	"strings"
	"time"
)

// Behaviour says how a fake router differs from a well-behaved one, which is
// the zero Behaviour. Each field is what some real router does.
type Behaviour struct {
	// Version of the IGD, 1 or 2; zero is 1.
	Version int
	// VersionByAgent tells clients that name Microsoft version 1, as miniupnpd
	// does.
	VersionByAgent bool
	// Model is the router's model name.
	Model string
	// Services are the services described; none: one WANIPConnection of the
	// Version, and in version 2 a WANIPv6FirewallControl.
	Services []Service
	// URLBase is the description's URLBase element; PORT in it stands for
	// the port of the web server.
	URLBase string

	// SearchSilent leaves searches unanswered.
	SearchSilent bool
	// SearchOne leaves a search unanswered that comes at once after another.
	SearchOne bool
	// SearchOnly answers searches for this target alone.
	SearchOnly string
	// SearchAnswer replaces the answer to a search; LOCATION in it stands
	// for the true location.
	SearchAnswer []byte
	// SearchCopies sends each answer so many times more.
	SearchCopies int
	// LocationHost is the host named in the location instead of the
	// router's own.
	LocationHost string
	// NoBootID leaves BOOTID.UPNP.ORG out, as before UPnP 1.1.
	NoBootID bool

	// WebSilent takes connections and requests and never answers.
	WebSilent bool
	// Description replaces the description.
	Description []byte
	// DescriptionRedirect sends whoever asks for the description there.
	DescriptionRedirect string
	// DescriptionEndless sends a description that never ends.
	DescriptionEndless bool

	// HeaderCase answers 400 to requests that are not as miniupnpc writes them:
	// the header's names in its case, a length instead of chunks, and the
	// connection closed.
	HeaderCase bool
	// PrefixedOnly answers 500 to bodies that declare the service as their
	// default name space.
	PrefixedOnly bool

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
	// KeepsLeases says yes to a renewal and lets the old lease run on.
	KeepsLeases bool
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
	// AnyoneRemoves lets a host remove another host's mapping.
	AnyoneRemoves bool
	// Hidden are ports that it calls taken, and lists nobody for.
	Hidden []uint16
	// HiddenToAny: AddAnyPortMapping calls them taken, too.
	HiddenToAny bool
	// AnyPort is what it calls the port in the answer to AddAnyPortMapping;
	// empty: NewReservedPort.
	AnyPort string
	// ByHand are ports that a rule made by hand has: 729.
	ByHand []uint16
	// SamePorts refuses mappings to another internal port: 724.
	SamePorts bool
	// OnlyAnyPort refuses mappings of a single port: 727.
	OnlyAnyPort bool
	// NoRenewal answers 718 to a host that renews before the lease ended.
	NoRenewal bool
	// Capacity is how many mappings the table takes before 728; zero: any.
	Capacity int
	// FullCode is the code when the table is full; zero: 728.
	FullCode int
	// FullSilent says yes to mappings that the full table does not hold.
	FullSilent bool
	// ListEnd is the code that its list ends with; zero: 713.
	ListEnd int
	// ListEndless never ends the list.
	ListEndless bool
	// LowestPort is the lowest port that may be mapped; others give 606.
	LowestPort uint16

	// FirewallOff says that its IPv6 firewall is off; FirewallShut that it
	// lets nobody open pinholes.
	FirewallOff, FirewallShut bool
	// PinholeUnused says 709 of every pinhole that is asked about, as if nobody had
	// come through it yet; PinholeIdle that it does not work.
	PinholeUnused, PinholeIdle bool
	// NoPinhole is the code for a pinhole that is not there; zero: 704.
	NoPinhole int

	// NoEvents describes no URL for events.
	NoEvents bool
	// EventStatus answers subscriptions with this HTTP status.
	EventStatus int
	// EventTimeout is how long it says that subscriptions last; empty:
	// "Second-1800".
	EventTimeout string
	// EventFirst sends the first event before it answers the subscription.
	EventFirst bool
	// EventBody replaces what events say.
	EventBody []byte
}

// Service is a connection service of the fake router.
type Service struct {
	// Type is the short service type, like "WANPPPConnection:1", or a whole URN.
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

func (s Service) urn() string {
	if strings.HasPrefix(s.Type, "urn:") {
		return s.Type
	}
	return "urn:schemas-upnp-org:service:" + s.Type
}

// Behave changes how the router behaves from now on.
func (r *Router) Behave(change func(*Behaviour)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.does)
}
