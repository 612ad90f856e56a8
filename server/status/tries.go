package status

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A wrong password each twelve seconds is what somebody may try who mistypes it,
// after five at once.
const (
	triesAtOnce = 5
	triesEvery  = 12 * time.Second
	// mostTried is how many addresses are told apart at a time; the rest share.
	mostTried = 1024
)

// tries bound how many passwords an address may try.
type tries struct {
	mu sync.Mutex
	by map[netip.Prefix]*rate.Limiter
}

func newTries() *tries { return &tries{by: make(map[netip.Prefix]*rate.Limiter)} }

// allow tells whether the client may try one more. An address of IPv6 is its /64.
func (t *tries) allow(client netip.Addr) bool {
	bits := 32
	if client.Is6() {
		bits = 64
	}
	from, _ := client.Prefix(bits) // the zero Prefix where there is no address
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by[from] == nil && len(t.by) >= mostTried {
		t.forget()
		if len(t.by) >= mostTried {
			from = netip.Prefix{}
		}
	}
	if t.by[from] == nil {
		t.by[from] = rate.NewLimiter(rate.Every(triesEvery), triesAtOnce)
	}
	return t.by[from].Allow()
}

// forget drops those who have not tried for a while.
func (t *tries) forget() {
	for from, l := range t.by {
		if l.Tokens() >= triesAtOnce {
			delete(t.by, from)
		}
	}
}
