package server

import (
	"net/netip"

	"natftpd/natdiscovery"
)

// Override is the operator's word on what some clients are told.
type Override struct {
	// Clients are whom it is for.
	Clients netip.Prefix
	// Addr is what they are told. The zero Addr: the address of the control
	// connection that they dialled.
	Addr netip.Addr
}

// Class is who a client is, as far as its data connection is concerned.
type Class string

// The classes of clients, in the order of the table in Advertise.
const (
	ClassOverride Class = "override"
	ClassHost     Class = "this host"
	ClassHairpin  Class = "hairpin"
	ClassLAN      Class = "LAN"
	ClassOutside  Class = "outside"
	// ClassUnknown is a client from outside while our external address is
	// not known.
	ClassUnknown Class = "outside, external address unknown"
)

// shared is carrier NAT's address block, which VPNs use too (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Advertise decides what a 227 reply carries for one client: the address that
// this client can reach. It is a table; the first row that fits holds. local is
// the address of ours that the client dialled for the control connection. It
// reads memory only and allocates nothing.
func Advertise(client, local netip.Addr, st *natdiscovery.Status, overrides []Override) (netip.Addr, Class) {
	client, local = client.Unmap(), local.Unmap()
	for _, o := range overrides {
		if o.Clients.Contains(client) {
			if o.Addr.IsValid() {
				return o.Addr, ClassOverride
			}
			return local, ClassOverride
		}
	}
	switch {
	case client.IsLoopback() || client == local:
		return local, ClassHost
	// The router loops our external address back, or hides its clients
	// behind its own: the data connection must take the same way.
	case client == st.External && st.External.IsValid(), client == st.Network.Router && st.Network.Router.IsValid():
		if st.External.IsValid() {
			return st.External, ClassHairpin
		}
		return local, ClassLAN
	case client.IsLinkLocalUnicast(), shared.Contains(client) && shared.Contains(local):
		return local, ClassLAN
	}
	for _, p := range st.Network.LANs {
		if p.Contains(client) {
			return local, ClassLAN
		}
	}
	if st.External.IsValid() {
		return st.External, ClassOutside
	}
	return local, ClassUnknown
}
