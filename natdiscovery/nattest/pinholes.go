package nattest

import (
	"cmp"
	"net/netip"
	"strconv"
	"time"
)

const firewallType = "WANIPv6FirewallControl:1"

// The codes of WANIPv6FirewallControl:1, section 2.6.
const (
	codeFirewallOff  = 702
	codeFirewallShut = 703
	codeNoPinhole    = 704
	codeNoTraffic    = 709
)

// longestPinhole is the upper end of the allowed range (WANIPv6FirewallControl:1,
// section 2.3.7).
const longestPinhole = 86400

// Pinholes are where the IPv6 firewall lets the internet through to.
func (r *Router) Pinholes() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var open []Entry
	for id := range r.pinholes {
		if e, ok := r.pinhole(id); ok {
			open = append(open, e)
		}
	}
	return open
}

// pinhole is one that has not ended. The caller holds mu.
func (r *Router) pinhole(id int) (Entry, bool) {
	e, ok := r.pinholes[id]
	if ok && !r.now().Before(e.Expires) {
		delete(r.pinholes, id)
		return Entry{}, false
	}
	return e, ok
}

// performFirewall does the actions of WANIPv6FirewallControl. Like miniupnpd it
// opens pinholes to nobody but the host that asks, and to no low port.
func (r *Router) performFirewall(c call) (string, int) {
	if c.service.Type != firewallType {
		return "", codeInvalidAction
	}
	switch c.action {
	case "GetFirewallStatus":
		return elements("FirewallEnabled", bit(!c.does.FirewallOff), "InboundPinholeAllowed", bit(!c.does.FirewallShut)), 0
	case "AddPinhole", "UpdatePinhole", "DeletePinhole", "CheckPinholeWorking":
		switch {
		case c.does.FirewallOff:
			return "", codeFirewallOff
		case c.does.FirewallShut:
			return "", codeFirewallShut
		}
		return r.changePinhole(c)
	}
	return "", codeInvalidAction
}

func (r *Router) changePinhole(c call) (string, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lease, err := strconv.Atoi(c.args("LeaseTime") + c.args("NewLeaseTime"))
	if (c.action == "AddPinhole" || c.action == "UpdatePinhole") && (err != nil || lease < 1 || lease > longestPinhole) {
		return "", codeInvalidArgs
	}
	expires := r.now().Add(time.Duration(lease) * time.Second)
	if c.action == "AddPinhole" {
		client, err := netip.ParseAddr(c.args("InternalClient"))
		port, err2 := strconv.ParseUint(c.args("InternalPort"), 10, 16)
		switch {
		case err != nil || err2 != nil || c.args("Protocol") != "6" || c.args("RemotePort") != "0":
			return "", codeInvalidArgs
		case client != c.source || port < 1024:
			return "", codeNotAuthorized
		}
		id := r.asked["AddPinhole"]
		r.pinholes[id] = Entry{Internal: netip.AddrPortFrom(client, uint16(port)), Expires: expires}
		return elements("UniqueID", strconv.Itoa(id)), 0
	}
	id, err := strconv.Atoi(c.args("UniqueID"))
	e, ok := r.pinhole(id)
	switch {
	case err != nil:
		return "", codeInvalidArgs
	case !ok:
		return "", cmp.Or(r.does.NoPinhole, codeNoPinhole)
	case e.Internal.Addr() != c.source:
		return "", codeNotAuthorized
	case c.action == "CheckPinholeWorking" && c.does.PinholeUnused:
		return "", codeNoTraffic
	case c.action == "CheckPinholeWorking":
		return elements("IsWorking", bit(!c.does.PinholeIdle)), 0
	case c.action == "DeletePinhole":
		delete(r.pinholes, id)
		return "", 0
	}
	e.Expires = expires
	r.pinholes[id] = e
	return "", 0
}

func bit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
