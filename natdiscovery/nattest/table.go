package nattest

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Entry is a row of the fake router's table of port mappings.
type Entry struct {
	// Internal is where the router forwards to.
	Internal netip.AddrPort
	// Description is what the owner wrote.
	Description string
	// Disabled: the router does not forward it.
	Disabled bool
	// Expires is when the row goes; the zero Time: never.
	Expires time.Time
}

// now is the router's clock. The caller holds mu.
func (r *Router) now() time.Time { return time.Now().Add(r.ahead) }

// Advance moves the router's clock: leases end sooner.
func (r *Router) Advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead += d
}

// Entry is the row of an external TCP port, if there is one.
func (r *Router) Entry(external uint16) (Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entry(external)
}

// entry is Entry for a caller that holds mu.
func (r *Router) entry(external uint16) (Entry, bool) {
	e, ok := r.table[external]
	if ok && !e.Expires.IsZero() && !r.now().Before(e.Expires) {
		delete(r.table, external)
		return Entry{}, false
	}
	return e, ok
}

// Mapped is where an external TCP port is forwarded to, by the router's own
// list.
func (r *Router) Mapped(external uint16) (netip.AddrPort, bool) {
	e, ok := r.Entry(external)
	return e.Internal, ok && !e.Disabled
}

// Len is how many mappings the router has.
func (r *Router) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for port := range r.table {
		r.entry(port)
	}
	return len(r.table)
}

// Occupy maps an external port to another host, past all rules.
func (r *Router) Occupy(external uint16, by netip.AddrPort) {
	r.Put(external, Entry{Internal: by, Description: "another host"})
}

// Put writes a row, past all rules.
func (r *Router) Put(external uint16, e Entry) {
	r.mu.Lock()
	r.table[external] = e
	r.mu.Unlock()
	r.Notify()
}

// Forget empties the table, as some routers do when their WAN address changes.
func (r *Router) Forget() {
	r.mu.Lock()
	clear(r.table)
	r.mu.Unlock()
	r.Notify()
}

// The codes of WANIPConnection:2, sections 2.5.16 and 2.5.18.
const (
	codeInvalidAction = 401
	codeInvalidArgs   = 402
	codeActionFailed  = 501
	codeNotAuthorized = 606
	codeIndexInvalid  = 713
	codeNoSuchEntry   = 714
	codeConflict      = 718
	codeSamePorts     = 724
	codeOnlyAnyHost   = 726
	codeOnlyAnyPort   = 727
	codeTableFull     = 728
	codeOwnRule       = 729
)

// longestLease is the upper end of the allowed range, and what zero means to an
// IGD v2 (WANIPConnection:2, section 2.3.16).
const longestLease = 604800 * time.Second

// add puts a mapping into the table, or says with which code it is refused. With any
// it takes the next port that is free, and says which one.
func (r *Router) add(source netip.Addr, external uint16, anyPort bool, e Entry, lease time.Duration) (uint16, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for anyPort && r.conflict(external, e, anyPort) {
		external++
	}
	if code := r.refusal(source, external, anyPort, e, lease); code != 0 {
		return 0, code
	}
	r.keep(external, e, lease)
	return external, 0
}

// conflict says whether a port is taken for e.
func (r *Router) conflict(external uint16, e Entry, anyPort bool) bool {
	old, taken := r.entry(external)
	foreign := taken && old.Internal.Addr() != e.Internal.Addr()
	return foreign && !r.does.Overwrite || taken && r.does.NoRenewal ||
		slices.Contains(r.does.Hidden, external) && (!anyPort || r.does.HiddenToAny)
}

// refusal is the code that a mapping is refused with; zero: it is not.
func (r *Router) refusal(source netip.Addr, external uint16, anyPort bool, e Entry, lease time.Duration) int {
	_, taken := r.entry(external)
	full := !taken && r.does.Capacity != 0 && len(r.table) >= r.does.Capacity
	switch {
	case r.external == netip.Addr{}, gateway.Private(r.external), gateway.Shared(r.external):
		return codeActionFailed
	case e.Internal.Addr() != source, external < r.does.LowestPort:
		return codeNotAuthorized
	case lease > longestLease:
		return codeInvalidArgs
	case slices.Contains(r.does.ByHand, external):
		return codeOwnRule
	case r.does.SamePorts && e.Internal.Port() != external:
		return codeSamePorts
	case r.does.NoLeases != 0 && lease != 0:
		return r.does.NoLeases
	case r.conflict(external, e, anyPort):
		return codeConflict
	case full && !r.does.FullSilent:
		return cmp.Or(r.does.FullCode, codeTableFull)
	}
	return 0
}

// keep writes a row that was not refused.
func (r *Router) keep(external uint16, e Entry, lease time.Duration) {
	old, taken := r.entry(external)
	full := !taken && r.does.Capacity != 0 && len(r.table) >= r.does.Capacity
	if r.does.IgnoreAdds || full {
		return
	}
	if r.does.LongestLease != 0 {
		lease = min(lease, r.does.LongestLease)
	}
	if lease == 0 && r.does.Version == 2 {
		lease = longestLease
	}
	if lease != 0 {
		e.Expires = r.now().Add(lease)
	}
	if taken && r.does.KeepsLeases {
		e.Expires = old.Expires
	}
	e.Disabled = r.does.DisableAdds
	r.table[external] = e
}

// remove takes a mapping out of the table. Like miniupnpd in secure mode it
// lets a host remove its own mappings only.
func (r *Router) remove(source netip.Addr, external uint16) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entry(external)
	switch {
	case !ok:
		return codeNoSuchEntry
	case e.Internal.Addr() != source && !r.does.AnyoneRemoves:
		return codeNotAuthorized
	}
	delete(r.table, external)
	return 0
}
