package natdiscovery

import (
	"context"
	"log/slog"
	"slices"
)

// report logs what became different from old to s: each change once, a problem
// when it begins and when it ends.
func report(cfg Config, old, s *Status) {
	log := cfg.Log
	if !samePlace(old.Network, s.Network) {
		log.Info("network read", "interface", s.Network.Interface, "local", s.Network.Local, "router", s.Network.Router)
	}
	reportGateway(log, old.Gateway, s.Gateway)
	switch unconfirmed := old.Source == SourceLastRun; {
	case old.External == s.External && !unconfirmed:
	case !s.External.IsValid():
		log.Warn("external address not known any more", "old", old.External)
	case old.External == s.External, !old.External.IsValid():
		log.Info("external address learnt", "external", s.External, "source", s.Source)
	default:
		log.Info("external address changed", "old", old.External, "external", s.External, "source", s.Source)
	}
	switch {
	case old.Journal == "" && s.Journal != "":
		log.Warn("journal not written: mappings may be left on the router after a crash", "error", s.Journal)
	case old.Journal != "" && s.Journal == "":
		log.Info("journal written again")
	}
	if !old.asked() && s.asked() {
		log.Info("passive ports asked for", "open", ranges(inState(s.Passive, PortVerified)),
			"not_open", ranges(inState(s.Passive, PortTaken, PortRefused)))
	}
	if p := s.Implicit; p.Internal != 0 && p.State != PortPending && (p.State != old.Implicit.State || p.Problem != old.Implicit.Problem) {
		log.Info("port of implicit FTPS asked for", "port", p.External, "state", p.State, "problem", p.Problem)
	}
	reportPinholes(log, old.Pinholes, s.Pinholes)
}

// reachability is what the log tells of it.
type reachability struct {
	verdict Verdict
	advice  string
}

// reportReachability logs a verdict at once, and other advice on the same one when the
// gateway has answered for all ports: each of them changes the advice.
func (d *Discovery) reportReachability(s *Status) {
	is, cfg := reachability{s.Verdict, s.Advice}, &d.core.cfg
	if is == d.told || is.verdict == d.told.verdict && s.asking {
		return
	}
	d.told = is
	cfg.Log.Log(context.Background(), s.level(len(cfg.Methods) > 0), "reachability", "verdict", s.Verdict, "advice", s.Advice,
		"external", s.External, "control_port", s.Control.External)
}

// reportPinholes tells when the gateway has answered for all pinholes, and when another
// method opens them.
func reportPinholes(log *slog.Logger, old, pinholes []Pinhole) {
	pending := func(p Pinhole) bool { return p.State == PortPending }
	if len(pinholes) == 0 || slices.ContainsFunc(pinholes, pending) {
		return
	}
	if len(old) > 0 && !slices.ContainsFunc(old, pending) && old[0].Method == pinholes[0].Method {
		return
	}
	open := 0
	for _, p := range pinholes {
		if p.State == PortVerified {
			open++
		}
	}
	log.Info("IPv6 pinholes asked for", "open", open, "all", len(pinholes), "method", pinholes[0].Method,
		"state", pinholes[0].State, "problem", pinholes[0].Problem)
}

// asked says whether the gateway has answered for every passive port.
func (s *Status) asked() bool {
	return len(inState(s.Passive, PortPending, PortByHand)) == 0
}

func reportGateway(log *slog.Logger, old, g *GatewayStatus) {
	switch {
	case old == nil && g != nil:
		log.Info("gateway found", "gateway", g.Address, "method", g.Method, "model", g.Model, "service", g.Service)
	case old != nil && g == nil:
		log.Warn("gateway lost, looking for it", "gateway", old.Address, "model", old.Model)
	}
}

// level is how loud a verdict is: a warning when the operator has something to do
// that he did not choose to do himself.
func (s *Status) level(mapping bool) slog.Level {
	switch {
	case s.Verdict == VerdictLooking:
		return slog.LevelDebug
	case s.Advice == "", s.Verdict == ForwardedByHand && !mapping:
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
