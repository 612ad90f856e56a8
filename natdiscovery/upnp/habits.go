package upnp

import (
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// leaseSlack is how much of a lease may pass between a grant and the look
	// at it.
	leaseSlack = 10 * time.Second
	// smallTable is how many mappings the smallest tables hold.
	smallTable = 16
)

// habits is what was learnt of a router by asking it.
type habits struct {
	permanent bool          // takes only mappings without a lease (error 725; MikroTik and others)
	anew      bool          // does not renew: a mapping is deleted and added again
	accepted  bool          // took a mapping
	longest   time.Duration // the longest lease listed after a mapping was new
}

// took notes what a router listed after it took a mapping.
func (h *habits) took(e, before entry) {
	h.accepted = true
	if !before.ours || h.anew {
		h.longest = max(h.longest, e.left)
	}
}

// ranOn says whether a renewal left the lease as it was: some routers accept it and
// let the old one run out. Their clocks count seconds, and leases are cut short, so
// this is judged by what was granted before, or asked for.
func (h *habits) ranOn(r gateway.Request, before, now entry) bool {
	full := h.longest
	if full == 0 {
		full = min(r.Lease, maxLease)
	}
	return before.left > 0 && now.left > 0 && now.left <= before.left && now.left < full-leaseSlack
}
