package gateway

import "context"

// Reason is why a gateway should be asked again. It comes from announcements
// that anybody in the LAN could forge, so it is never more than a reason to ask.
type Reason string

// The reasons.
const (
	// AddressChanged: the gateway has, or may have, another external address,
	// or its connection went up or down. Ask for the address.
	AddressChanged Reason = "external address changed"
	// MappingsChanged: its list of mappings is not what it was. Somebody, and
	// that may be ourselves, added or removed one. Check ours.
	MappingsChanged Reason = "mappings changed"
	// Restarted: it started anew, or is served elsewhere; its list may be
	// empty. Discover it again, and map everything again.
	Restarted Reason = "gateway restarted"
	// Gone: it said goodbye. Discover again; it may be back in a moment.
	Gone Reason = "gateway said goodbye"
)

// Watcher is what a Client also is if its gateway announces changes. Not all do
// so reliably: polls stay necessary.
type Watcher interface {
	// Watch calls tell soon after each announcement, at most once a second
	// for each reason, however many there are. It blocks until ctx ends, then
	// stops listening, takes leave of the gateway within a second or two and
	// returns nil; nothing that it started outlives it. An error means that
	// it can't listen at all. It may run beside the other methods; tell runs
	// on its goroutine and delays it.
	Watch(ctx context.Context, tell func(Reason)) error
}
