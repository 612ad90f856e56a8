package natdiscovery

import (
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

// openHome are the facts on a home where all is well.
func openHome() facts {
	f := facts{external: wanA, source: SourceGateway, local: lanA, router: netip.MustParseAddr("192.168.77.1"),
		mapping: true, found: true, wan: wanA, wanted: 2121,
		control: Port{Internal: 2121, External: 2121, State: PortVerified}}
	for _, n := range []uint16{50000, 50001, 50002} {
		f.passive = append(f.passive, Port{Internal: n, External: n, State: PortVerified})
	}
	return f
}

// Routers behind the gateway.
var (
	hopHome    = netip.MustParseAddr("192.168.178.1")
	hopCarrier = netip.MustParseAddr("100.64.0.1")
	hopPublic  = netip.MustParseAddr("11.22.9.1")
)

// hidesWAN makes the gateway one that tells no WAN address, with these routers
// behind it.
func (f *facts) hidesWAN(beyond ...netip.Addr) {
	f.wan, f.noWAN, f.external, f.reflexive, f.agreed, f.beyond = nobody, true, wanB, wanB, 2, beyond
	f.set(PortRefused, "error 501")
}

// outlive makes mappings to another address of this host last so long.
func (f *facts) outlive(lease time.Duration, ports ...uint16) {
	f.outlived = map[uint16]gateway.Mapping{}
	for _, n := range ports {
		f.outlived[n] = gateway.Mapping{Request: gateway.Request{Internal: netip.AddrPortFrom(lanB, n), External: n},
			Granted: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), Lifetime: lease}
	}
}

// set gives all ports a state.
func (f *facts) set(state PortState, problem string) {
	f.control.State, f.control.Problem = state, problem
	f.setPassive(state, problem)
}

func (f *facts) setPassive(state PortState, problem string) {
	for i := range f.passive {
		f.passive[i].State, f.passive[i].Problem = state, problem
	}
}

func TestVerdictAndAdvice(t *testing.T) {
	const forward = "forward TCP 2121 and 50000-50002 on the router 192.168.77.1 to 192.168.77.10"
	tests := []struct {
		name    string
		change  func(*facts)
		verdict Verdict
		advice  string
	}{
		{"all is well", func(*facts) {}, Reachable, ""},
		{"the first search runs", func(f *facts) {
			f.found, f.seeking = false, true
			f.set(PortPending, "")
		}, VerdictLooking, ""},
		{"the first round of mappings runs", func(f *facts) { f.set(PortPending, "") }, VerdictLooking, ""},
		{"the control port is open, no passive port yet", func(f *facts) { f.setPassive(PortPending, "") }, VerdictLooking, ""},
		{"a few passive ports are open", func(f *facts) {
			f.setPassive(PortPending, "")
			f.passive[0].State = PortVerified
		}, Reachable, ""},
		{"a lost gateway is searched for", func(f *facts) { f.found, f.seeking = false, true }, Reachable, ""},
		{"a lost gateway stays away", func(f *facts) { f.found, f.lost = false, true }, NoGateway,
			"see whether the router 192.168.77.1 still runs: it does not answer any more, and what it opened is used until the lease ends"},
		{"no gateway, address known", func(f *facts) {
			f.found, f.wan = false, nobody
			f.set(PortByHand, "")
		}, ForwardedByHand, "switch on UPnP on the router 192.168.77.1, or " + forward + " unless that is done"},
		{"no gateway, address known, another port outside", func(f *facts) {
			f.found, f.wan = false, nobody
			f.set(PortByHand, "")
			f.wanted, f.control.External = 21, 21
		}, ForwardedByHand, "switch on UPnP on the router 192.168.77.1, or forward TCP 21 (to port 2121) and 50000-50002 on the router 192.168.77.1 to 192.168.77.10 unless that is done"},
		{"mapping is off", func(f *facts) {
			f.mapping, f.found, f.wan = false, false, nobody
			f.set(PortByHand, "")
		}, ForwardedByHand, forward + " unless that is done: the router is not asked, nat.port_mapping is off"},
		{"mapping is off, address unknown", func(f *facts) {
			f.mapping, f.found, f.wan, f.external = false, false, nobody, nobody
			f.set(PortByHand, "")
		}, AddressUnknown, "set nat.external_address, or nat.stun_servers to at least two that answer; then " + forward},
		{"no gateway, no address", func(f *facts) {
			f.found, f.wan, f.external = false, nobody, nobody
			f.set(PortByHand, "")
		}, NoGateway, "check the network: neither a router nor a STUN server answers, so only the LAN is served; or set nat.external_address and " + forward},
		{"no network", func(f *facts) {
			f.found, f.wan, f.external, f.local, f.router = false, nobody, nobody, nobody, nobody
			f.set(PortByHand, "")
		}, NoGateway, "check the network: neither a router nor a STUN server answers, so only the LAN is served; or set nat.external_address and forward TCP 2121 and 50000-50002 on the router"},
		{"the gateway has no address, nor has STUN", func(f *facts) {
			f.wan, f.external, f.noWAN = nobody, nobody, true
		}, AddressUnknown, "see whether the router 192.168.77.1 is online: it has no external address"},
		{"the gateway does not tell its address", func(f *facts) {
			f.wan, f.external = nobody, nobody
		}, AddressUnknown, "set nat.external_address: the router 192.168.77.1 does not tell its external address, nor do STUN servers agree on one"},
		{"the gateway refuses everything", func(f *facts) { f.set(PortRefused, "error 606") }, GatewayRefuses,
			"allow port mapping for this host on the router 192.168.77.1, or " + forward + "; it says: error 606"},
		{"the gateway refuses the control port", func(f *facts) {
			f.control.State, f.control.Problem = PortRefused, "error 606"
		}, GatewayRefuses, "allow port mapping for this host on the router 192.168.77.1, or " + forward + "; it says: error 606"},
		{"the gateway refuses all passive ports", func(f *facts) { f.setPassive(PortRefused, "error 728") }, GatewayRefuses,
			"allow port mapping for this host on the router 192.168.77.1, or " + forward + "; it says: error 728"},
		{"the gateway refuses some passive ports", func(f *facts) {
			f.passive[1].State, f.passive[1].Problem = PortRefused, "error 728"
		}, Reachable, "TCP 50001 of the passive ports are left out (error 728)"},
		{"the router has a rule of its own for the control port", func(f *facts) {
			f.control.State, f.control.Problem = PortByHand, "error 729"
		}, ForwardedByHand, "see that the router 192.168.77.1 forwards TCP 2121 and 50000-50002 to 192.168.77.10: it has a rule of its own there (error 729)"},
		{"another host has the control port", func(f *facts) { f.control.State = PortTaken }, PortTakenByHost,
			"choose other ports (ftp.listen, ftp.passive_ports), or remove the mapping of TCP 2121 to another host on the router 192.168.77.1"},
		{"the control port is not given, the others are being asked for", func(f *facts) {
			f.control.State = PortTaken
			f.passive[2].State = PortPending
		}, VerdictLooking, ""},
		{"mappings outlived our former address", func(f *facts) {
			f.set(PortRefused, "error 718")
			f.outlive(time.Hour, 2121, 50000, 50001, 50002)
		}, GatewayRefuses, "wait until 2026-07-01 13:00 UTC at the latest, when the leases of TCP 2121, 50000-50002 to this host's former address 192.168.77.33 end, or remove them on the router 192.168.77.1: it does not let 192.168.77.10 do it"},
		{"mappings without an end outlived our former address", func(f *facts) {
			f.set(PortRefused, "error 718")
			f.outlive(0, 2121)
		}, GatewayRefuses, "remove the mappings of TCP 2121 to this host's former address 192.168.77.33 on the router 192.168.77.1: it does not let 192.168.77.10 do it, and they have no lease that ends"},
		{"a mapping outlived our former address, and we have the port again", func(f *facts) {
			f.outlive(time.Hour, 2121)
		}, Reachable, ""},
		{"another host has all passive ports", func(f *facts) { f.setPassive(PortTaken, "") }, PortTakenByHost,
			"choose other ports (ftp.listen, ftp.passive_ports), or remove the mapping of TCP 50000-50002 to another host on the router 192.168.77.1"},
		{"the control port is another one than asked", func(f *facts) {
			f.wanted, f.control.Problem = 21, "error 606"
		}, Reachable, "give friends port 2121: the router denies 21 (error 606)"},
		{"the gateway tells a private address", func(f *facts) {
			f.wan, f.external = netip.MustParseAddr("10.0.0.2"), wanB
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one (the router's external address is 10.0.0.2): set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it to 10.0.0.2 as well"},
		{"the gateway tells no address, STUN does", func(f *facts) {
			f.wan, f.noWAN, f.external, f.reflexive, f.agreed = nobody, true, wanB, wanB, 2
			f.set(PortRefused, "error 501")
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one: set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it as well; if it is the provider's, ask for a public IPv4 address"},
		{"a gateway tells of a NAT on the way to it", func(f *facts) {
			f.found, f.wan, f.behind = false, nobody, true
			f.set(PortByHand, "")
		}, DoubleNAT, "run natftpd in the network of the host, if this is a container: another NAT stands between it and the router 192.168.77.1; or forward TCP 2121 and 50000-50002 through that NAT as well"},
		{"a gateway tells of a NAT, and another one opens ports", func(f *facts) { f.behind = true }, Reachable, ""},
		{"the gateway tells no address, and ports are renumbered", func(f *facts) {
			f.wan, f.noWAN, f.external, f.reflexive, f.agreed = nobody, true, wanB, wanB, 2
			f.udp = stun.NATBehaviour{Mapping: stun.EndpointIndependent}
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one: set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it as well; it is probably the provider's, since it renumbers ports: ask for a public IPv4 address"},
		{"the gateway tells no address, and ports keep their numbers", func(f *facts) {
			f.wan, f.noWAN, f.external, f.reflexive, f.agreed = nobody, true, wanB, wanB, 2
			f.udp = stun.NATBehaviour{Mapping: stun.EndpointIndependent, PortPreserved: true}
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one: set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it as well; if it is the provider's, ask for a public IPv4 address"},
		{"the gateway tells no address, and the carrier stands behind it", func(f *facts) {
			f.hidesWAN(hopCarrier)
		}, CarrierNAT, "ask the provider for a public IPv4 address: it shares one among customers (the next router is 100.64.0.1), and no setting of the router lets anybody in"},
		{"the gateway tells no address, and a second router stands behind it", func(f *facts) {
			f.hidesWAN(hopHome)
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one, 192.168.178.1: set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it as well; if it is the provider's, ask for a public IPv4 address"},
		{"the gateway tells no address, and a second router and the carrier stand behind it", func(f *facts) {
			f.hidesWAN(hopHome, hopCarrier)
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one, 192.168.178.1: set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it as well; if nobody comes in then, ask the provider for a public IPv4 address: behind it stands 100.64.0.1, a carrier's router"},
		{"the gateway tells no address, and who stands behind it is silent", func(f *facts) {
			f.hidesWAN(nobody, hopPublic)
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one: set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it as well; if it is the provider's, ask for a public IPv4 address"},
		{"the gateway tells no address, and who stands behind it has a public one", func(f *facts) {
			f.hidesWAN(hopPublic)
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one: set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it as well; if it is the provider's, ask for a public IPv4 address"},
		{"the gateway tells no address, and who stands behind it is being found out", func(f *facts) {
			f.hidesWAN()
			f.tracing = true
		}, VerdictLooking, ""},
		{"the gateway tells a private address, and a second router stands behind it", func(f *facts) {
			f.wan, f.external, f.beyond = netip.MustParseAddr("192.168.178.2"), wanB, []netip.Addr{hopHome}
		}, DoubleNAT, "the router 192.168.77.1 stands behind another one, 192.168.178.1 (the router's external address is 192.168.178.2): set that one to bridge mode, or forward TCP 2121 and 50000-50002 on it to 192.168.178.2 as well"},
		{"the gateway tells a private address, and the carrier stands behind it", func(f *facts) {
			f.wan, f.external, f.beyond = netip.MustParseAddr("10.0.0.2"), wanB, []netip.Addr{hopCarrier}
		}, CarrierNAT, "ask the provider for a public IPv4 address: it shares one among customers (the next router is 100.64.0.1), and no setting of the router lets anybody in"},
		{"the gateway tells a private address, and who stands behind it is being found out", func(f *facts) {
			f.wan, f.external, f.tracing = netip.MustParseAddr("10.0.0.2"), wanB, true
		}, VerdictLooking, ""},
		{"the gateway tells a public address, and the provider's routers have private ones", func(f *facts) {
			f.beyond = []netip.Addr{netip.MustParseAddr("10.0.0.1"), hopCarrier}
		}, Reachable, ""},
		{"the gateway tells a public address, and the provider's routers have a carrier's", func(f *facts) {
			f.beyond = []netip.Addr{hopCarrier}
		}, Reachable, ""},
		{"no gateway, and the next router has a carrier's address", func(f *facts) {
			f.found, f.wan, f.beyond = false, nobody, []netip.Addr{hopCarrier}
			f.set(PortByHand, "")
		}, ForwardedByHand, "switch on UPnP on the router 192.168.77.1, or " + forward + " unless that is done; see whether the router's own page shows the external address 11.22.0.2: if not, 100.64.0.1, which stands behind it, does NAT as well"},
		{"mapping is off, and the next router has a private address", func(f *facts) {
			f.mapping, f.found, f.wan, f.beyond = false, false, nobody, []netip.Addr{hopHome}
			f.set(PortByHand, "")
		}, ForwardedByHand, forward + " unless that is done: the router is not asked, nat.port_mapping is off; see whether the router's own page shows the external address 11.22.0.2: if not, 192.168.178.1, which stands behind it, does NAT as well"},
		{"no gateway, and the next router has a public address", func(f *facts) {
			f.found, f.wan, f.beyond = false, nobody, []netip.Addr{hopPublic}
			f.set(PortByHand, "")
		}, ForwardedByHand, "switch on UPnP on the router 192.168.77.1, or " + forward + " unless that is done"},
		{"somebody came through two NATs", func(f *facts) {
			f.wan, f.external, f.reached = netip.MustParseAddr("10.0.0.2"), wanB, true
		}, Reachable, ""},
		{"somebody came before the gateway was lost", func(f *facts) { f.found, f.lost, f.reached = false, true, true }, NoGateway,
			"see whether the router 192.168.77.1 still runs: it does not answer any more, and what it opened is used until the lease ends"},
		{"somebody came by ports that the operator forwarded", func(f *facts) {
			f.reached = true
			f.set(PortRefused, "error 606")
		}, Reachable, ""},
		{"mapping is off, and data connections do not arrive", func(f *facts) {
			f.mapping, f.found, f.wan, f.absent = false, false, nobody, 3
			f.set(PortByHand, "")
		}, ForwardedByHand, forward + " unless that is done: the router is not asked, nat.port_mapping is off; data connections of 3 clients from outside did not arrive: see whether TCP 50000-50002 come through to this host, its firewall included"},
		{"the gateway tells no address, STUN does for the first time", func(f *facts) {
			f.wan, f.noWAN, f.external, f.reflexive, f.agreed = nobody, true, wanB, wanB, 1
		}, VerdictLooking, ""},
		{"the gateway is between two addresses", func(f *facts) { f.wan, f.noWAN = nobody, true }, Reachable, ""},
		{"the gateway has an address of a carrier", func(f *facts) {
			f.wan, f.external = netip.MustParseAddr("100.64.3.2"), wanB
		}, CarrierNAT, "ask the provider for a public IPv4 address: it shares one among customers (the router's external address is 100.64.3.2), and no setting of the router lets anybody in"},
		{"the gateway is at the end of a DS-Lite tunnel", func(f *facts) {
			f.wan, f.external = netip.MustParseAddr("192.0.0.2"), nobody
		}, CarrierNAT, "ask the provider for a public IPv4 address: it shares one among customers (the router's external address is 192.0.0.2), and no setting of the router lets anybody in"},
		{"this host has an address of a carrier itself", func(f *facts) {
			f.found, f.wan, f.local = false, nobody, netip.MustParseAddr("100.64.3.2")
			f.set(PortByHand, "")
		}, CarrierNAT, "ask the provider for a public IPv4 address: it shares one among customers, and no setting of the router lets anybody in"},
		{"this host has the external address itself", func(f *facts) {
			f.found, f.wan, f.local, f.ours = false, nobody, wanA, true
			f.set(PortByHand, "")
		}, Reachable, "this host has the external address itself: let TCP 2121 and 50000-50002 through its firewall, if it has one"},
		{"the internet sees another address than the gateway tells", func(f *facts) {
			f.external, f.source, f.reflexive, f.agreed, f.contradicted = wanB, SourceSTUN, wanB, 2, true
		}, Reachable, "the router tells 11.22.0.2, but the internet sees 11.22.0.3: if clients cannot connect, set nat.external_address"},
		{"the operator's address is out of date", func(f *facts) { f.external, f.source = wanB, SourceOperator }, Reachable,
			"nat.external_address stands for 11.22.0.3, but the router's external address is 11.22.0.2: correct it, or set it to auto"},
		{"the host name is of no use", func(f *facts) { f.uselessHost = "home.example" }, Reachable,
			"correct nat.external_address: home.example stands for no address that the internet can reach"},
		{"the host name is of no use, and more", func(f *facts) {
			f.uselessHost, f.passive[1].State = "home.example", PortTaken
		}, Reachable, "TCP 50001 of the passive ports are left out (); correct nat.external_address: home.example stands for no address that the internet can reach"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := openHome()
			tt.change(&f)
			got := f.verdict()
			if got != tt.verdict {
				t.Errorf("verdict: got %q, want %q", got, tt.verdict)
			}
			if advice := f.advice(got); advice != tt.advice {
				t.Errorf("advice:\n got %q\nwant %q", advice, tt.advice)
			}
		})
	}
}

func TestRanges(t *testing.T) {
	for want, given := range map[string][]uint16{
		"":                             nil,
		"21":                           {21},
		"21-22":                        {21, 22},
		"21, 50000-50002, 65534-65535": {21, 50000, 50001, 50002, 65534, 65535},
	} {
		if got := ranges(given); got != want {
			t.Errorf("%v: got %q, want %q", given, got, want)
		}
	}
}

// PCP says the same of a port that another host has and of one that is forbidden.
func TestPortsThatPCPGivesToNobodyAreForbidden(t *testing.T) {
	for _, tt := range []struct {
		name    string
		method  gateway.Method
		to      uint16 // the last port that is not given
		verdict Verdict
		state   PortState
	}{
		{"every port by PCP", gateway.PCP, 65535, GatewayRefuses, PortRefused},
		{"every port by UPnP, which shows whose they are", gateway.UPnP, 65535, PortTakenByHost, PortTaken},
		{"all but one by PCP", gateway.PCP, 50008, PortTakenByHost, PortTaken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t, by(tt.method))
			s.router.method = tt.method
			s.router.deny = denies("map", gateway.ErrConflict, 0, tt.to)
			told := map[Verdict]bool{}
			s.watch = func(st Status) { told[st.Verdict] = true }
			got := s.until(time.Minute)
			if got.Verdict != tt.verdict || got.Control.State != tt.state || got.Passive[0].State != tt.state {
				t.Errorf("got %q, ports %q and %q, want %q, %q", got.Verdict, got.Control.State, got.Passive[0].State, tt.verdict, tt.state)
			}
			if len(told) != 2 || !told[VerdictLooking] {
				t.Errorf("verdicts: got %v, want no other than %q after %q", told, tt.verdict, VerdictLooking)
			}
		})
	}
}
