package cmd

import (
	"net/netip"
	"strings"
	"time"

	"natftpd/natdiscovery"
	"natftpd/server/status"
)

// report is what doctor tells. Its JSON names are an interface: they stay.
type report struct {
	Version   string               `json:"version"`
	Verdict   natdiscovery.Verdict `json:"verdict"`
	Advice    string               `json:"advice"`
	Reachable bool                 `json:"reachable"`
	// Alone is what the look alone would say where the running server knows better.
	Alone natdiscovery.Verdict `json:"by_the_look_alone,omitempty"`
	// Server is what the running server says; nil: it can't be asked.
	Server *serverReport `json:"server"`
	// Address is what friends dial; "" when there is none.
	Address string `json:"address"`
	// External is the external address, Source how it was learnt.
	External string              `json:"external_address"`
	Source   natdiscovery.Source `json:"source"`
	Serving  bool                `json:"serving"`
	Mapping  bool                `json:"port_mapping"`
	Host     hostReport          `json:"host"`
	Gateway  *gatewayReport      `json:"gateway"`
	// Search is why no gateway was found.
	Search string `json:"search,omitempty"`
	// Methods are the ways to ask the router that are allowed.
	Methods []methodReport `json:"methods"`
	STUN    []stunReport   `json:"stun"`
	Uplink  uplinkReport   `json:"uplink"`
	Way     wayReport      `json:"way"`
	Ports   []portReport   `json:"ports"`
	// Pinholes are our ports in the router's IPv6 firewall.
	Pinholes []pinholeReport `json:"pinholes"`
	// Rules are what to type into the router where it opens nothing itself.
	Rules []ruleReport `json:"rules"`
	// Tried: ports were opened for the look, and closed again.
	Tried   bool    `json:"tried"`
	Seconds float64 `json:"seconds"`
}

type serverReport struct {
	Verdict natdiscovery.Verdict `json:"verdict"`
	Address string               `json:"address"`
}

type hostReport struct {
	Interface string   `json:"interface"`
	Address   string   `json:"address"`
	Router    string   `json:"router"`
	LANs      []string `json:"lan_networks"`
}

type gatewayReport struct {
	Address  string  `json:"address"`
	Model    string  `json:"model"`
	Method   string  `json:"method"`
	Service  string  `json:"service"`
	External string  `json:"external_address"`
	Age      float64 `json:"age_seconds"`
}

type methodReport struct {
	Method  string `json:"method"`
	Problem string `json:"problem,omitempty"`
}

// uplinkReport is what was measured on the way to the internet; zero values are
// not known.
type uplinkReport struct {
	PathMTU          int    `json:"path_mtu"`
	Hairpin          string `json:"hairpin"`
	UDPMapping       string `json:"udp_mapping"`
	UDPPortPreserved bool   `json:"udp_port_preserved"`
}

// wayReport is who stands on the way to the internet.
type wayReport struct {
	// Hops are the first routers, ours first, "" for one that is silent. None: not
	// known.
	Hops []string `json:"hops"`
	Age  float64  `json:"age_seconds"`
	// Next is the router behind ours; "": not known.
	Next string `json:"next_router"`
}

type stunReport struct {
	Server    string  `json:"server"`
	Reflexive string  `json:"reflexive_address"`
	Millis    float64 `json:"round_trip_ms"`
	Problem   string  `json:"problem,omitempty"`
}

type portReport struct {
	External uint16                 `json:"external"`
	Internal uint16                 `json:"internal"`
	State    natdiscovery.PortState `json:"state"`
	Problem  string                 `json:"problem,omitempty"`
}

type pinholeReport struct {
	Internal string                 `json:"internal"`
	State    natdiscovery.PortState `json:"state"`
	Problem  string                 `json:"problem,omitempty"`
}

type ruleReport struct {
	First    uint16 `json:"first"`
	Last     uint16 `json:"last"`
	To       string `json:"to"`
	Internal uint16 `json:"internal"`
}

func newReport(look natdiscovery.Look, cfg natdiscovery.Config, serving bool) report {
	st := &look.Status
	r := report{
		Version: version(), Verdict: st.Verdict, Advice: st.Advice,
		Reachable: st.Verdict == natdiscovery.Reachable || st.Verdict == natdiscovery.ForwardedByHand,
		External:  text(st.External), Source: st.Source,
		Serving: serving, Mapping: len(cfg.Methods) > 0,
		Host:    hostReport{Interface: st.Network.Interface, Address: text(st.Network.Local), Router: text(st.Network.Router)},
		Tried:   look.Tried,
		Seconds: look.Took.Round(time.Millisecond).Seconds(),
	}
	if r.Reachable && st.External.IsValid() {
		r.Address = address(netip.AddrPortFrom(st.External, st.Control.External))
	}
	for _, p := range st.Network.LANs {
		r.Host.LANs = append(r.Host.LANs, p.String())
	}
	if g := st.Gateway; g != nil {
		r.Gateway = &gatewayReport{
			Address: text(g.Address), Model: g.Model, Method: string(g.Method), Service: g.Service,
			External: text(g.External), Age: age(g.Seen),
		}
	}
	if look.Search != nil {
		r.Search = look.Search.Error()
	}
	r.Uplink = uplinkReport{PathMTU: st.PathMTU, Hairpin: string(st.Hairpin), UDPMapping: string(st.UDPMapping), UDPPortPreserved: st.UDPPortPreserved}
	r.Way = newWayReport(st)
	for _, m := range st.Methods {
		r.Methods = append(r.Methods, methodReport{string(m.Method), m.Problem})
	}
	for _, a := range look.STUN {
		one := stunReport{Server: a.Server, Millis: float64(a.RTT.Microseconds()) / 1000}
		if a.Err != nil {
			one.Problem = strings.TrimPrefix(a.Err.Error(), "ask STUN server "+a.Server+": ")
		} else {
			one.Reflexive = text(a.Reflexive.Addr())
		}
		r.STUN = append(r.STUN, one)
	}
	for _, p := range append([]natdiscovery.Port{st.Control}, st.Passive...) {
		r.Ports = append(r.Ports, portReport{p.External, p.Internal, p.State, p.Problem})
	}
	if p := st.Implicit; p.Internal != 0 {
		r.Ports = append(r.Ports, portReport{p.External, p.Internal, p.State, p.Problem})
	}
	for _, p := range st.Pinholes {
		r.Pinholes = append(r.Pinholes, pinholeReport{p.Internal.String(), p.State, p.Problem})
	}
	for _, rule := range st.Rules() {
		r.Rules = append(r.Rules, ruleReport{rule.First, rule.Last, text(rule.To), rule.Internal})
	}
	return r
}

// hear takes in what the running server says. A look can't dial this host from outside,
// and may not ask the router for that server's ports: where the server can be reached at
// the same address, it knows better.
func (r *report) hear(s *status.Snapshot) {
	verdict := natdiscovery.Verdict(s.Verdict)
	r.Server = &serverReport{verdict, s.Address}
	external, err := netip.ParseAddr(r.External)
	if err != nil || r.Reachable || verdict != natdiscovery.Reachable || s.Address != address(netip.AddrPortFrom(external, r.Ports[0].External)) {
		return
	}
	r.Alone = r.Verdict
	r.Verdict, r.Advice, r.Address, r.Reachable = verdict, s.Advice, s.Address, true
}

func newWayReport(st *natdiscovery.Status) wayReport {
	var w wayReport
	for _, hop := range st.Hops {
		w.Hops = append(w.Hops, text(hop))
	}
	if len(w.Hops) > 0 {
		w.Age = age(st.HopsSeen)
	}
	if beyond := st.Beyond(); len(beyond) > 0 {
		w.Next = text(beyond[0])
	}
	return w
}

// age is the time since then in seconds.
func age(then time.Time) float64 { return time.Since(then).Round(time.Millisecond).Seconds() }

// text is an address, or nothing.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
