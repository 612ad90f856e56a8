package nattest

import (
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// clock is the router's clock.
func (r *Router) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now()
}

// wan is the external address; 0.0.0.0: none.
func (r *Router) wan() netip.Addr {
	if external := r.External(); external.IsValid() {
		return external
	}
	return netip.IPv4Unspecified()
}

// wish is a mapping that NAT-PMP or PCP asks for.
type wish struct {
	internal  netip.AddrPort // of the host that asks
	external  uint16
	lease     time.Duration
	by        string // the protocol that asks
	exactly   bool   // that port or none: PCP's PREFER_FAILURE
	otherPort bool   // grant the next one instead, in any case
}

// outcome is what becomes of a wish, in words that both protocols have codes for.
type outcome int

const (
	granted outcome = iota
	noWAN
	noRoom
	taken
)

// grant puts a mapping into the table and says at which external port. Like real
// routers it renews a mapping where it is, and else grants the next free port (RFC
// 6886, section 3.3; RFC 6887, section 11.3).
func (r *Router) grant(w wish) (uint16, outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.external.IsValid() || gateway.Private(r.external) || gateway.Shared(r.external) {
		return 0, noWAN
	}
	port, held := r.heldBy(w.internal)
	if !held {
		port = w.external
	}
	if !held && w.otherPort {
		port++
	}
	for e, used := r.entry(port); port == 0 || used && e.Internal != w.internal; e, used = r.entry(port) {
		port++
	}
	switch {
	case w.exactly && port != w.external:
		return 0, taken
	case !held && r.does.Capacity != 0 && len(r.table) >= r.does.Capacity:
		return 0, noRoom
	}
	r.table[port] = Entry{Internal: w.internal, Description: "by " + w.by, Expires: r.now().Add(w.lease)}
	return port, granted
}

// heldBy is the external port of a host's port. The caller holds mu.
func (r *Router) heldBy(internal netip.AddrPort) (uint16, bool) {
	for port := range r.table {
		if e, ok := r.entry(port); ok && e.Internal == internal {
			return port, true
		}
	}
	return 0, false
}

// revoke takes a host's mapping or pinhole out, and says whether there was one. by is
// who must have written the mapping; empty: anybody.
func (r *Router) revoke(internal netip.AddrPort, by string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	port, held := r.heldBy(internal)
	if held = held && (by == "" || r.table[port].Description == "by "+by); held {
		delete(r.table, port)
	}
	id, open := r.pinholeTo(internal)
	if open {
		delete(r.pinholes, id)
	}
	return held || open
}

// puncture opens a pinhole, or renews it.
func (r *Router) puncture(w wish) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, open := r.pinholeTo(w.internal)
	for used := true; !open && used; _, used = r.pinholes[id] {
		id-- // UPnP's go up
	}
	r.pinholes[id] = Entry{Internal: w.internal, Expires: r.now().Add(w.lease)}
}

// pinholeTo is the number of a pinhole. The caller holds mu.
func (r *Router) pinholeTo(internal netip.AddrPort) (int, bool) {
	for id := range r.pinholes {
		if e, ok := r.pinhole(id); ok && e.Internal == internal {
			return id, true
		}
	}
	return 0, false
}
