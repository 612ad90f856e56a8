package cmd

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode/utf8"

	"natftpd/natdiscovery"
)

// columns is the width of the screen that doctor's report fits.
const columns = 80

// text is the report for a person: the verdict and the next step, the path from
// a client to this host, the evidence, and what to type into the router.
func (r report) text() string {
	var s screen
	verdict := string(r.Verdict)
	if r.Address != "" {
		verdict += ": friends dial " + r.Address
	}
	s.paragraph("", verdict)
	next := r.Advice
	if next == "" {
		next = "nothing to do"
	}
	s.paragraph("next step: ", next)
	s.line("")
	r.path(&s)
	s.line("")
	r.evidence(&s)
	if r.needsRules() {
		s.line("")
		r.typing(&s)
	}
	return s.String()
}

// path draws the way of a data connection, hop by hop.
func (r report) path(s *screen) {
	s.hop("client", "somewhere on the internet")
	s.way(true)
	s.hop("internet", r.internetSees())
	s.way(true)
	s.hop("carrier", r.carrier())
	outer := r.Verdict != natdiscovery.CarrierNAT && r.Verdict != natdiscovery.DoubleNAT
	s.way(outer)
	s.hop("router", join(", ", r.router(), r.opened()))
	s.way(r.Reachable || !outer || r.Verdict == natdiscovery.AddressUnknown)
	serving := "no server answers"
	if r.Serving {
		serving = "the server answers"
	}
	serving += fmt.Sprintf(" on port %d", r.Ports[0].Internal)
	s.hop("this host", join(", ", orUnknown(r.Host.Address), r.Host.Interface, serving))
}

func (r report) internetSees() string {
	agree := 0
	for _, a := range r.STUN {
		if a.Problem == "" && a.Reflexive == r.External {
			agree++
		}
	}
	switch {
	case r.External == "":
		return "it is not known what address it sees"
	case len(r.STUN) > 0:
		return fmt.Sprintf("knows us as %s (%d of %d STUN servers say so)", r.External, agree, len(r.STUN))
	}
	return fmt.Sprintf("knows us as %s", r.External)
}

func (r report) carrier() string {
	switch r.Verdict {
	case natdiscovery.CarrierNAT:
		return join(": ", orUnknown(r.Way.Next), "shares its address among customers, nothing comes in")
	case natdiscovery.DoubleNAT:
		return join(": ", orUnknown(r.Way.Next), "another router, or the provider's, stands here")
	case natdiscovery.Reachable, natdiscovery.PortTakenByHost, natdiscovery.GatewayRefuses:
		if r.Gateway != nil && r.Gateway.External == r.External {
			return "lets us through: the router has the address itself"
		}
	}
	if r.Way.Next != "" {
		return r.Way.Next + ", nothing more is known"
	}
	return "nothing known"
}

func (r report) router() string {
	if r.Gateway == nil {
		return orUnknown(r.Host.Router)
	}
	wan := "tells no WAN address"
	if r.Gateway.External != "" {
		wan = "WAN " + r.Gateway.External
	}
	return join(", ", r.Gateway.Address, wan)
}

func (r report) opened() string {
	switch n := len(r.in(natdiscovery.PortVerified)); {
	case !r.Mapping:
		return "not asked (nat.port_mapping: off)"
	case r.Gateway == nil:
		return "does not answer"
	case n == 0:
		return "opens no port for us"
	case r.Tried:
		return fmt.Sprintf("would open %d of %d ports", n, len(r.Ports))
	default:
		return fmt.Sprintf("opens %d of %d ports", n, len(r.Ports))
	}
}

// in are the ports in one state.
func (r report) in(state natdiscovery.PortState) []portReport {
	var all []portReport
	for _, p := range r.Ports {
		if p.State == state {
			all = append(all, p)
		}
	}
	return all
}

func (r report) evidence(s *screen) {
	switch {
	case r.Alone != "":
		s.fact("server", fmt.Sprintf("the running one says so, which knows who has come in; by this look alone: %s", r.Alone))
	case r.Server != nil && r.Server.Verdict != r.Verdict:
		s.fact("server", fmt.Sprintf("the running one says: %s", join(": friends dial ", string(r.Server.Verdict), r.Server.Address)))
	}
	switch {
	case r.Gateway != nil:
		s.fact("router", join(", ", r.Gateway.Model, fmt.Sprintf("%s %s", r.Gateway.Method, r.Gateway.Service),
			fmt.Sprintf("asked %.0f s ago", r.Gateway.Age)))
	case r.Search != "":
		s.fact("router", r.Search)
	}
	for _, m := range r.Methods {
		if m.Problem != "" {
			s.fact(m.Method, m.Problem)
		}
	}
	for _, a := range r.STUN {
		if a.Problem != "" {
			s.fact("STUN", fmt.Sprintf("%s: %s", a.Server, a.Problem))
		} else {
			s.fact("STUN", fmt.Sprintf("%s saw %s, after %.0f ms", a.Server, a.Reflexive, a.Millis))
		}
	}
	if way := r.Way; len(way.Hops) > 0 {
		s.fact("way", fmt.Sprintf("%s, seen %.0f s ago", strings.Join(way.names(), ", then "), way.Age))
	}
	for i := 0; i < len(r.Ports); {
		j := i + 1
		for j < len(r.Ports) && j > 1 && r.Ports[j].External == r.Ports[j-1].External+1 && r.Ports[j].State == r.Ports[i].State && r.Ports[j].Problem == r.Ports[i].Problem {
			j++
		}
		s.fact("port", r.portsText(r.Ports[i:j]))
		i = j
	}
	r.pinholes(s)
	if r.Source != "" {
		s.fact("address", fmt.Sprintf("%s, believed by the word of the %s", r.External, sourceName(r.Source)))
	}
	if uplink := r.uplink(); uplink != "" {
		s.fact("uplink", uplink)
	}
	if r.Ports[0].External == 21 {
		s.fact("port 21", "routers' FTP helpers rewrite what passes there in clear; TLS, or another port, keeps them out")
	}
	s.fact("LAN", join(", ", r.Host.LANs...))
}

// names are the routers on the way, the silent ones as well.
func (w wayReport) names() []string {
	names := slices.Clone(w.Hops)
	for i, n := range names {
		if n == "" {
			names[i] = "a silent one"
		}
	}
	return names
}

// pinholes tells how far the router's IPv6 firewall lets clients in, for each of
// our addresses.
func (r report) pinholes(s *screen) {
	type count struct {
		open, all int
		problem   string
	}
	var order []string
	by := map[string]*count{}
	for _, p := range r.Pinholes {
		host, _, err := net.SplitHostPort(p.Internal)
		if err != nil {
			continue
		}
		if by[host] == nil {
			by[host] = &count{}
			order = append(order, host)
		}
		c := by[host]
		c.all++
		if p.State == natdiscovery.PortVerified {
			c.open++
		} else if c.problem == "" {
			c.problem = p.Problem
		}
	}
	for _, host := range order {
		c := by[host]
		s.fact("IPv6", join(": ", fmt.Sprintf("%s, %d of %d pinholes in the router's firewall are open", host, c.open, c.all), c.problem))
	}
	switch {
	case len(order) > 0:
	case r.Serving:
		s.fact("IPv6", "the router's firewall has no pinholes of ours")
	default:
		s.fact("IPv6", "pinholes in the router's firewall are tried by a running server only")
	}
}

// uplink is what was measured on the way to the internet.
func (r report) uplink() string {
	u := r.Uplink
	var parts []string
	if u.PathMTU > 0 {
		parts = append(parts, fmt.Sprintf("takes packets of up to %d bytes", u.PathMTU))
	}
	switch u.Hairpin {
	case "yes":
		parts = append(parts, "neighbours reach us by the external address too")
	case "no":
		parts = append(parts, "neighbours don't reach us by the external address (no hairpin)")
	}
	if u.UDPMapping != "" {
		kept := "not kept"
		if u.UDPPortPreserved {
			kept = "kept"
		}
		parts = append(parts, fmt.Sprintf("UDP ports %s, numbers %s", u.UDPMapping, kept))
	}
	return strings.Join(parts, "; ")
}

func (r report) portsText(ports []portReport) string {
	first, last := ports[0], ports[len(ports)-1]
	name := fmt.Sprint(first.External)
	if last != first {
		name = fmt.Sprintf("%d-%d", first.External, last.External)
	} else if first.External != first.Internal {
		name = fmt.Sprintf("%d to our %d", first.External, first.Internal)
	}
	state := string(first.State)
	switch {
	case first.State == natdiscovery.PortVerified && r.Tried:
		state = "the router opened it for a try, and closed it again"
	case first.State == natdiscovery.PortVerified:
		state = "open, the router lists it as ours"
	case first.State == natdiscovery.PortByHand:
		state = "not opened by the router; forwarded by hand, or not at all"
	}
	return join(": ", name, state, first.Problem)
}

func sourceName(s natdiscovery.Source) string {
	switch s {
	case natdiscovery.SourceOperator:
		return "configuration"
	case natdiscovery.SourceGateway:
		return "router"
	case natdiscovery.SourceSTUN:
		return "STUN servers"
	}
	return string(s)
}

// needsRules: the router does not open the ports by itself.
func (r report) needsRules() bool {
	return r.Host.Address != "" && len(r.in(natdiscovery.PortVerified)) < len(r.Ports) &&
		r.Verdict != natdiscovery.CarrierNAT && r.Verdict != natdiscovery.PortTakenByHost
}

func (r report) typing(s *screen) {
	s.paragraph("", "what to type into the router's page for port forwarding:")
	for _, rule := range r.Rules {
		ports := fmt.Sprint(rule.First)
		inside := fmt.Sprint(rule.Internal)
		if rule.Last != rule.First {
			ports = fmt.Sprintf("%d-%d", rule.First, rule.Last)
			inside = fmt.Sprintf("%d-%d", rule.Internal, rule.Internal+rule.Last-rule.First)
		}
		s.line(fmt.Sprintf("  protocol TCP, outside %s, to %s, inside %s", ports, rule.To, inside))
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "address not known"
	}
	return s
}

// join joins what is not empty.
func join(sep string, parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, sep)
}

// screen is lines of at most columns characters.
type screen struct{ strings.Builder }

func (s *screen) line(text string) {
	s.WriteString(strings.TrimRight(text, " "))
	s.WriteByte('\n')
}

// paragraph breaks a text between words. The lines after the first are indented
// as far as the text begins.
func (s *screen) paragraph(first, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(first))
	current, width := first, utf8.RuneCountInString(first)
	empty := true
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if !empty && width+1+n > columns {
			s.line(current)
			current, width, empty = indent, len(indent), true
		}
		if !empty {
			current, width = current+" ", width+1
		}
		current, width, empty = current+word, width+n, false
	}
	s.line(current)
}

// hop is a station on the way.
func (s *screen) hop(name, what string) {
	s.paragraph(fmt.Sprintf("  %-11s", name), what)
}

// way is the line from one hop down to the next.
func (s *screen) way(open bool) {
	if open {
		s.line("      |")
	} else {
		s.line("      X      connections from outside end here")
	}
}

func (s *screen) fact(name, what string) {
	s.paragraph(fmt.Sprintf("  %-9s", name), what)
}
