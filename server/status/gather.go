package status

import (
	"net/netip"
	"time"

	"natftpd/driver"
	"natftpd/natdiscovery"
)

// snapshot takes everything in.
func (s *Server) snapshot() *Snapshot {
	now := time.Now()
	s.meter.count(now)
	st := s.cfg.Status()
	snap := &Snapshot{
		API: API, Version: s.cfg.Version, Time: now, Started: s.started,
		Advice: st.Advice, ExternalAddress: text(st.External), Source: string(st.Source), Confirmed: st.Confirmed,
		Sources: sources(st), Network: network(st), Gateway: gatewayOf(st), Mappings: mappings(st),
		Sessions: []Session{}, Transfers: []Transfer{}, Bans: []Ban{},
		Throughput: s.meter.throughput(now), Events: s.cfg.Timeline.Events(),
	}
	s.judge(snap, st)
	snap.Path = path(snap, st)
	if s.cfg.LocalOnly() {
		snap.Path = snap.Path[len(snap.Path)-1:]
	}
	s.look(snap, st)
	for _, b := range s.cfg.Bans.All() {
		snap.Bans = append(snap.Bans, Ban{prefixText(b.Clients), b.Since, b.Until, b.Times})
	}
	snap.Totals.Sent, snap.Totals.Received = s.cfg.Sessions.Moved()
	snap.Totals.AddressChanges = st.Counts.AddressChanges
	return snap
}

// judge says the verdict to people.
func (s *Server) judge(snap *Snapshot, st *natdiscovery.Status) {
	words := wordsOf(st.Verdict)
	if s.cfg.LocalOnly() {
		words = localOnly
	}
	snap.Verdict, snap.Sentence, snap.State = words.verdict, words.sentence, words.state
	if words.dialled && st.External.IsValid() {
		snap.Address = friendly(netip.AddrPortFrom(st.External, st.Control.External))
		if st.Advice != "" && words.state == StateGood {
			snap.State = StateWarning
		}
	}
}

func sources(st *natdiscovery.Status) []Source {
	all := []Source{}
	add := func(name natdiscovery.Source, addr netip.Addr, seen time.Time) {
		if addr.IsValid() {
			all = append(all, Source{string(name), addr.String(), seen, name == st.Source && addr == st.External})
		}
	}
	switch st.Source {
	case natdiscovery.SourceOperator, natdiscovery.SourceLastRun:
		add(st.Source, st.External, st.Confirmed)
	}
	if g := st.Gateway; g != nil {
		add(natdiscovery.SourceGateway, g.External, g.Seen)
	} else if st.Source == natdiscovery.SourceGateway {
		add(st.Source, st.External, st.Confirmed)
	}
	add(natdiscovery.SourceSTUN, st.Reflexive, st.ReflexiveSeen)
	return all
}

func network(st *natdiscovery.Status) Network {
	n := Network{
		Interface: st.Network.Interface, Address: text(st.Network.Local), Router: text(st.Network.Router),
		LANs: []string{}, PathMTU: st.PathMTU, Hairpin: string(st.Hairpin),
	}
	for _, p := range st.Network.LANs {
		n.LANs = append(n.LANs, p.String())
	}
	return n
}

func gatewayOf(st *natdiscovery.Status) *Gateway {
	g := st.Gateway
	if g == nil {
		return nil
	}
	return &Gateway{text(g.Address), g.Model, string(g.Method), g.Service, text(g.External), g.Seen}
}

func mappings(st *natdiscovery.Status) []Mapping {
	all := []Mapping{}
	add := func(kind string, p natdiscovery.Port) {
		m := Mapping{
			Kind: kind, External: p.External, State: string(p.State), Expires: p.Expires, Problem: p.Problem,
		}
		if local := st.Network.Local; local.IsValid() {
			m.Internal = netip.AddrPortFrom(local, p.Internal).String()
		}
		switch g := st.Gateway; {
		case p.State == natdiscovery.PortByHand:
			m.Method = "manual"
		case g != nil && p.State == natdiscovery.PortVerified:
			m.Method = string(g.Method)
		}
		all = append(all, m)
	}
	add("control", st.Control)
	if st.Implicit.Internal != 0 {
		add("implicit TLS", st.Implicit)
	}
	for _, p := range st.Passive {
		add("data", p)
	}
	for _, p := range st.Pinholes {
		all = append(all, Mapping{
			Kind: "pinhole", Internal: p.Internal.String(), External: p.Internal.Port(), Method: string(p.Method),
			State: string(p.State), Expires: p.Expires, Problem: p.Problem,
		})
	}
	return all
}

// look lists who is there, what moves, and what that does to the passive ports.
func (s *Server) look(snap *Snapshot, st *natdiscovery.Status) {
	busy := s.cfg.Awaited()
	for _, one := range s.cfg.Sessions.All() {
		snap.Sessions = append(snap.Sessions, Session{one.ID, text(one.Client), one.User(), one.Since})
		a := one.Activity()
		if a == nil {
			continue
		}
		snap.Transfers = append(snap.Transfers, s.transfer(one, a))
		if a.Port != 0 {
			busy[a.Port]++
		}
	}
	for _, p := range st.Passive {
		if s.cfg.LocalOnly() {
			p.State = natdiscovery.PortUnneeded
		}
		snap.Passive.Ports = append(snap.Passive.Ports, passivePort(p, busy[p.Internal]))
	}
	if n := len(st.Passive); n > 0 {
		snap.Passive.First, snap.Passive.Last = st.Passive[0].Internal, st.Passive[n-1].Internal
	}
}

func (s *Server) transfer(session *driver.Session, a *driver.Activity) Transfer {
	t := Transfer{
		Session: session.ID, User: session.User(), Client: text(session.Client),
		Command: a.Command, Direction: direction(a.Command), Path: a.Path, Channel: "clear", Port: a.Port, Since: a.Since,
		Bytes: a.Flow.Sent() + a.Flow.Received(), Offset: a.Offset, Size: a.Size,
		BytesPerSecond: s.meter.of(a), SecondsLeft: -1,
	}
	if a.TLS {
		t.Channel = "tls"
	}
	if rest := t.Size - t.Offset - t.Bytes; t.Size >= 0 && t.BytesPerSecond > 0 {
		t.SecondsLeft = max(0, rest) / t.BytesPerSecond
	}
	return t
}

func direction(command string) string {
	switch command {
	case "RETR":
		return "download"
	case "STOR", "STOU", "APPE":
		return "upload"
	}
	return "listing"
}

// passivePort judges a port on which so many clients are busy.
func passivePort(p natdiscovery.Port, busy int) PassivePort {
	out := PassivePort{Port: p.Internal, Detail: string(p.State)}
	if p.Problem != "" {
		out.Detail += ": " + p.Problem
	}
	switch {
	case p.State == natdiscovery.PortTaken:
		out.Use = PortHeld
	case busy > 0:
		out.Use = PortInUse
	case p.State == natdiscovery.PortVerified, p.State == natdiscovery.PortUnneeded:
		out.Use = PortFree
	default:
		out.Use = PortUnverified
	}
	return out
}
