package status

import (
	"fmt"

	"natftpd/natdiscovery"
)

// path is the way of a data connection from a client to this host, hop by hop.
func path(snap *Snapshot, st *natdiscovery.Status) []Hop {
	all := []Hop{
		{Name: "Client", State: StateGood, Label: "dials", Facts: []string{"anywhere on the internet"}},
		internetHop(snap, st),
		carrierHop(st),
		routerHop(st),
		hostHop(st),
	}
	for i := range all {
		if all[i].Facts == nil {
			all[i].Facts = []string{} // JSON has no null there
		}
	}
	return all
}

func internetHop(snap *Snapshot, st *natdiscovery.Status) Hop {
	h := Hop{Name: "Internet", State: StatePending, Label: "does not know us yet"}
	if !st.External.IsValid() {
		if st.Verdict == natdiscovery.AddressUnknown {
			h.State, h.Label = StateBad, "address not known"
		}
		return h
	}
	h.State, h.Label = StateGood, "knows us"
	h.Facts = []string{st.External.String()}
	for _, s := range snap.Sources {
		if s.Believed {
			h.Facts = append(h.Facts, "by the word of "+sourceName(natdiscovery.Source(s.Name)))
		}
	}
	if st.Source == natdiscovery.SourceLastRun {
		h.State, h.Label = StatePending, "knew us when we last ran"
	}
	return h
}

func sourceName(s natdiscovery.Source) string {
	switch s {
	case natdiscovery.SourceOperator:
		return "the configuration"
	case natdiscovery.SourceGateway:
		return "the router"
	case natdiscovery.SourceSTUN:
		return "STUN servers"
	}
	return "the last run"
}

func carrierHop(st *natdiscovery.Status) Hop {
	h := Hop{Name: "Carrier", State: StatePending, Label: "not known"}
	if beyond := st.Beyond(); len(beyond) > 0 && beyond[0].IsValid() {
		h.Facts = append(h.Facts, beyond[0].String())
	}
	switch {
	case st.Verdict == natdiscovery.CarrierNAT:
		h.State, h.Label = StateBad, "lets nobody in"
	case st.Verdict == natdiscovery.DoubleNAT:
		h.State, h.Label = StateBad, "a second router"
	case !st.Reached.IsZero(), st.Gateway != nil && st.External.IsValid() && st.Gateway.External == st.External:
		h.State, h.Label = StateGood, "lets through"
	}
	return h
}

func routerHop(st *natdiscovery.Status) Hop {
	h := Hop{Name: "Router", State: StatePending, Label: "not found yet"}
	if g := st.Gateway; g != nil {
		h.Facts = []string{text(g.Address)}
		if g.Model != "" {
			h.Facts = append(h.Facts, g.Model)
		}
	} else if st.Network.Router.IsValid() {
		h.Facts = []string{st.Network.Router.String()}
	}
	ports := append([]natdiscovery.Port{st.Control}, st.Passive...)
	if st.Implicit.Internal != 0 {
		ports = append(ports, st.Implicit)
	}
	all, open := len(ports), 0
	for _, p := range ports {
		if p.State == natdiscovery.PortVerified {
			open++
		}
	}
	switch {
	case open == all:
		h.State, h.Label = StateGood, fmt.Sprintf("opens all %d ports", all)
	case open > 0:
		h.State, h.Label = StateWarning, fmt.Sprintf("opens %d of %d ports", open, all)
	case st.Verdict == natdiscovery.NoGateway:
		h.State, h.Label = StateBad, "does not answer"
	case st.Verdict == natdiscovery.GatewayRefuses, st.Verdict == natdiscovery.PortTakenByHost:
		h.State, h.Label = StateBad, "opens no port"
	case st.Control.State == natdiscovery.PortByHand && st.Verdict != natdiscovery.VerdictLooking:
		h.State, h.Label = StateWarning, "forwarded by hand, or not"
	case st.Gateway != nil:
		h.Label = "asked to open ports"
	}
	return h
}

func hostHop(st *natdiscovery.Status) Hop {
	h := Hop{Name: "This host", State: StateGood, Label: "serves"}
	if st.Network.Local.IsValid() {
		h.Facts = append(h.Facts, st.Network.Local.String())
	}
	if st.Control.Internal != 0 {
		h.Facts = append(h.Facts, fmt.Sprintf("port %d", st.Control.Internal))
	}
	if st.Network.Interface != "" {
		h.Facts = append(h.Facts, st.Network.Interface)
	}
	return h
}
