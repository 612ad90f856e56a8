package control

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

const (
	// refusalSpan is for how long the refusals of one address are counted
	// before the next line tells how many there were.
	refusalSpan = time.Minute
	// maxRefused is how many addresses are told apart at a time. The rest share
	// a line: a flood from everywhere writes no more than one from a few.
	maxRefused = 256
)

// refusals logs who was refused, without letting a flood of them fill the log:
// the first of an address at once, then one line a span with the
// number of those that came meanwhile.
type refusals struct {
	log *slog.Logger

	mu     sync.Mutex
	closed bool
	open   map[refused]*refusalCount
}

// refused is what a line is about.
type refused struct {
	client  netip.Addr // the zero Addr: several
	message string
}

type refusalCount struct {
	reason string // of the last one
	more   int    // since the last line
	timer  *time.Timer
}

func newRefusals(log *slog.Logger) *refusals {
	return &refusals{log: log, open: make(map[refused]*refusalCount)}
}

// add counts a refusal, or logs it.
func (r *refusals) add(client netip.Addr, message, reason string) {
	if key, first := r.count(refused{client, message}, reason); first {
		r.log.Warn(message, "client", clientName(key.client), "reason", reason)
	}
}

func (r *refusals) count(key refused, reason string) (_ refused, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return key, false
	}
	if r.open[key] == nil && len(r.open) >= maxRefused {
		key.client = netip.Addr{}
	}
	if c := r.open[key]; c != nil {
		c.more++
		c.reason = reason
		return key, false
	}
	r.open[key] = &refusalCount{timer: time.AfterFunc(refusalSpan, func() { r.tell(key) })}
	return key, true
}

// tell ends a span: it logs how many more there were.
func (r *refusals) tell(key refused) {
	if more, reason := r.endSpan(key); more > 0 {
		r.log.Warn(key.message, "client", clientName(key.client), "reason", reason, "times", more, "in", refusalSpan)
	}
}

// endSpan begins the next span, or forgets the key when nobody came.
func (r *refusals) endSpan(key refused) (more int, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.open[key]
	if r.closed || c == nil {
		return 0, ""
	}
	if c.more == 0 {
		delete(r.open, key)
		return 0, ""
	}
	more, c.more = c.more, 0
	c.timer.Reset(refusalSpan)
	return more, c.reason
}

// close logs nothing more.
func (r *refusals) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, c := range r.open {
		c.timer.Stop()
	}
}

func clientName(client netip.Addr) string {
	if !client.IsValid() {
		return "several"
	}
	return client.String()
}
