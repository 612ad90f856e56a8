package status

import "natftpd/natdiscovery"

// words are how a verdict is told to people.
type words struct {
	verdict, sentence string
	state             State
	// dialled: friends may try the external address.
	dialled bool
	// failure: nobody outside can come in, whatever they try.
	failure bool
}

// localOnly is in the place of a verdict where nobody but this host is served.
var localOnly = words{
	verdict: "this host only", state: StateWarning,
	sentence: "Only programs on this machine can connect: ftp.listen names it alone.",
}

// wordsOf is a table, one row for each verdict.
func wordsOf(v natdiscovery.Verdict) words {
	w := words{verdict: string(v), state: StateBad, failure: true}
	switch v {
	case natdiscovery.VerdictLooking, "":
		w = words{verdict: string(natdiscovery.VerdictLooking), state: StatePending}
		w.sentence = "Asking the router and the internet for our address."
	case natdiscovery.Reachable:
		w = words{verdict: string(v), state: StateGood, dialled: true}
		w.sentence = "Friends on the internet can connect."
	case natdiscovery.ForwardedByHand:
		w = words{verdict: string(v), state: StateWarning, dialled: true}
		w.sentence = "Friends can connect if the router forwards the ports."
	case natdiscovery.NoGateway:
		w.sentence = "No router answers, so nobody outside is let in."
	case natdiscovery.GatewayRefuses:
		w.sentence = "The router does not open the ports."
	case natdiscovery.DoubleNAT:
		w.sentence = "A second router stands in the way."
	case natdiscovery.CarrierNAT:
		w.sentence = "The provider shares one address among customers, and lets nobody in."
	case natdiscovery.AddressUnknown:
		w.sentence = "The address that the internet knows us by is not known."
	case natdiscovery.PortTakenByHost:
		w.sentence = "Another machine in the LAN has our ports on the router."
	}
	return w
}
