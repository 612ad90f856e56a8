package natdiscovery

import (
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

// advice is one line on what to do about a verdict, with the ports and addresses
// to type in. It is empty when nothing needs doing.
func (f facts) advice(v Verdict) string {
	host := ""
	if f.uselessHost != "" {
		host = fmt.Sprintf("correct nat.external_address: %s stands for no address that the internet can reach", f.uselessHost)
	}
	return joined(f.adviceOn(v), host)
}

// absence is a hint from clients whose data connections did not come.
func (f facts) absence() string {
	if f.absent < absentClients {
		return ""
	}
	return fmt.Sprintf("data connections of %d clients from outside did not arrive: see whether TCP %s come through to this host, its firewall included",
		f.absent, ranges(numbers(f.passive)))
}

func (f facts) adviceOn(v Verdict) string {
	switch v {
	case Reachable:
		return f.remarks()
	case ForwardedByHand:
		if !f.mapping {
			return joined(fmt.Sprintf("%s unless that is done: the router is not asked, nat.port_mapping is off", f.rule()), f.suspicion(), f.absence())
		}
		if f.ruled() {
			return joined(fmt.Sprintf("see that the router%s forwards TCP %s to %v: it has a rule of its own there (%s)",
				at(f.router), f.ports(), f.local, f.control.Problem), f.absence())
		}
		return joined(fmt.Sprintf("switch on UPnP on the router%s, or %s unless that is done", at(f.router), f.rule()), f.suspicion(), f.absence())
	case NoGateway:
		if f.open() {
			return fmt.Sprintf("see whether the router%s still runs: it does not answer any more, and what it opened is used until the lease ends", at(f.router))
		}
		return "check the network: neither a router nor a STUN server answers, so only the LAN is served; " +
			"or set nat.external_address and " + f.rule()
	case GatewayRefuses:
		if patience := f.patience(); patience != "" {
			return patience
		}
		return fmt.Sprintf("allow port mapping for this host on the router%s, or %s; it says: %s", at(f.router), f.rule(), f.problem(PortRefused))
	case PortTakenByHost:
		return fmt.Sprintf("choose other ports (ftp.listen, ftp.passive_ports), or remove the mapping of TCP %s to another host on the router%s", f.missing(), at(f.router))
	case DoubleNAT:
		return f.doubleNATAdvice()
	case CarrierNAT:
		return fmt.Sprintf("ask the provider for a public IPv4 address: it shares one among customers%s, and no setting of the router lets anybody in", f.proof())
	case AddressUnknown:
		return f.unknownAdvice()
	}
	return ""
}

// patience is what to do about mappings that outlived our former address. Empty: the
// gateway refuses for another reason.
func (f facts) patience() string {
	var ports []Port
	var former netip.Addr
	var end time.Time
	ever := false
	for _, p := range append([]Port{f.control}, f.passive...) {
		m, ok := f.outlived[p.External]
		if !ok || p.State != PortRefused {
			continue
		}
		ports = append(ports, p)
		former, end, ever = m.Internal.Addr(), later(end, m.Expires()), ever || m.Expires().IsZero()
	}
	switch {
	case len(ports) == 0:
		return ""
	case ever:
		return fmt.Sprintf("remove the mappings of TCP %s to this host's former address %v on the router%s: it does not let %v do it, and they have no lease that ends",
			ranges(numbers(ports)), former, at(f.router), f.local)
	}
	return fmt.Sprintf("wait until %s at the latest, when the leases of TCP %s to this host's former address %v end, or remove them on the router%s: it does not let %v do it",
		end.Format("2006-01-02 15:04 MST"), ranges(numbers(ports)), former, at(f.router), f.local)
}

func (f facts) doubleNATAdvice() string {
	if f.behind {
		return fmt.Sprintf("run natftpd in the network of the host, if this is a container: another NAT stands between it and the router%s; or forward TCP %s through that NAT as well",
			at(f.router), f.ports())
	}
	outer, carrier := "", "; if it is the provider's, ask for a public IPv4 address"
	if f.wan.IsValid() { // private: a carrier's would tell itself
		outer, carrier = fmt.Sprintf(" to %v", f.wan), ""
	} else if f.udp.Mapping != stun.Unknown && !f.udp.PortPreserved {
		carrier = "; it is probably the provider's, since it renumbers ports: ask for a public IPv4 address"
	}
	if hop := f.carrierHop(); hop.IsValid() {
		carrier = fmt.Sprintf("; if nobody comes in then, ask the provider for a public IPv4 address: behind it stands %v, a carrier's router", hop)
	}
	name := "another one"
	if gateway.Private(f.nextHop()) {
		name = fmt.Sprintf("another one, %v", f.nextHop())
	}
	return fmt.Sprintf("the router%s stands behind %s%s: set that one to bridge mode, or forward TCP %s on it%s as well%s",
		at(f.router), name, f.proof(), f.ports(), outer, carrier)
}

// suspicion is a hint from a next hop that may do NAT, where no gateway tells its
// own address.
func (f facts) suspicion() string {
	hop := f.nextHop()
	if !gateway.Private(hop) && !gateway.Shared(hop) {
		return ""
	}
	return fmt.Sprintf("see whether the router's own page shows the external address %v: if not, %v, which stands behind it, does NAT as well", f.external, hop)
}

func (f facts) unknownAdvice() string {
	switch {
	case f.noWAN:
		return fmt.Sprintf("see whether the router%s is online: it has no external address", at(f.router))
	case f.found:
		return fmt.Sprintf("set nat.external_address: the router%s does not tell its external address, nor do STUN servers agree on one", at(f.router))
	}
	return "set nat.external_address, or nat.stun_servers to at least two that answer; then " + f.rule()
}

// remarks are for those who can be reached: what is not as it was asked for.
func (f facts) remarks() string {
	var list []string
	if !f.open() && f.ours && !f.reached {
		list = append(list, fmt.Sprintf("this host has the external address itself: let TCP %s through its firewall, if it has one", f.ports()))
	} else if f.control.External != f.wanted {
		list = append(list, fmt.Sprintf("give friends port %d: the router denies %d (%s)", f.control.External, f.wanted, f.control.Problem))
	}
	if closed := inState(f.passive, PortTaken, PortRefused); f.open() && len(closed) > 0 {
		list = append(list, fmt.Sprintf("TCP %s of the passive ports are left out (%s)", ranges(closed), f.problem(PortTaken, PortRefused)))
	}
	if f.contradicted && f.source == SourceSTUN {
		list = append(list, fmt.Sprintf("the router tells %v, but the internet sees %v: if clients cannot connect, set nat.external_address", f.wan, f.external))
	}
	if f.source == SourceOperator && gateway.Public(f.wan) && f.wan != f.external {
		list = append(list, fmt.Sprintf("nat.external_address stands for %v, but the router's external address is %v: correct it, or set it to auto", f.external, f.wan))
	}
	return joined(append(list, f.absence())...)
}

// rule is what to type into the router.
func (f facts) rule() string {
	to := ""
	if f.local.IsValid() {
		to = fmt.Sprintf(" to %v", f.local)
	}
	return fmt.Sprintf("forward TCP %s on the router%s%s", f.ports(), at(f.router), to)
}

// ports are the ports that have to be open outside.
func (f facts) ports() string {
	control := fmt.Sprint(f.control.External)
	if f.control.External != f.control.Internal {
		control += fmt.Sprintf(" (to port %d)", f.control.Internal)
	}
	return and(control, ranges(numbers(f.passive)))
}

// missing are the ports that another host has.
func (f facts) missing() string {
	control := ranges(inState([]Port{f.control}, PortTaken))
	return and(control, ranges(inState(f.passive, PortTaken)))
}

// problem is what the gateway said of the first port in one of the states.
func (f facts) problem(states ...PortState) string {
	for _, p := range append([]Port{f.control}, f.passive...) {
		if len(inState([]Port{p}, states...)) > 0 {
			return p.Problem
		}
	}
	return ""
}

// proof names the address which shows that the gateway's own is not public: that
// one, if it tells it, or that of the carrier's router behind it.
func (f facts) proof() string {
	switch hop := f.nextHop(); {
	case f.wan.IsValid() && !(gateway.Private(f.wan) && gateway.Shared(hop)):
		return fmt.Sprintf(" (the router's external address is %v)", f.wan)
	case gateway.Shared(hop):
		return fmt.Sprintf(" (the next router is %v)", hop)
	}
	return ""
}
