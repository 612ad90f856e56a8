//go:build linux

package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// opening is how many idle sessions log in at the same time.
const opening = 16

// idle is so many sessions that do nothing: what they cost in memory.
type idle struct {
	sessions int
	tls      bool
}

func idleRow(sessions int, secure bool) row {
	r := row{unit: "KiB/session", less: true, once: true, gauge: idle{sessions, secure}}
	r.name, r.text = label(secure, fmt.Sprintf("idle-%d", sessions), "%s idle sessions, PSS", grouped(sessions))
	r.goal = goal{Most: 40}
	if secure {
		r.goal = goal{Most: 64}
	}
	return r
}

func (i idle) try(ctx context.Context, _ *place, s *server) error {
	one, err := logIn(ctx, s, clientAddress(0), i.tls)
	if err == nil {
		one.close()
	}
	return err
}

// measure compares the memory with the sessions and without, of a server that has
// just begun: one that has worked has memory to spare. The kernel's share, two
// sockets each, is not in it.
func (i idle) measure(ctx context.Context, p *place, used *server) (sample, error) {
	all := peers()
	at := slices.IndexFunc(all, func(r peer) bool { return r.name == used.name })
	s, err := all[at].start(ctx, p, used.name+"-idle")
	if err != nil {
		return sample{}, err
	}
	defer s.stop()
	defer context.AfterFunc(ctx, s.stop)()
	if err := i.try(ctx, p, s); err != nil { // what the first session needs once
		return sample{}, err
	}
	const pss = "Pss"
	before, err := s.memory(pss)
	if err != nil {
		return sample{}, err
	}
	sessions, err := openIdle(ctx, s, i.sessions, i.tls)
	defer closeIdle(sessions)
	if err != nil {
		return sample{}, err
	}
	after, err := s.memory(pss)
	if err != nil {
		return sample{}, err
	}
	return sample{Value: float64(after-before) / 1024 / float64(i.sessions)}, nil
}

// openIdle logs in so many sessions, from several addresses.
func openIdle(ctx context.Context, s *server, count int, secure bool) ([]*session, error) {
	const perAddress = 100
	sessions, errs := make([]*session, count), make([]error, opening)
	var all sync.WaitGroup
	for w := range opening {
		all.Go(func() {
			for i := w; i < count && errs[w] == nil; i += opening {
				sessions[i], errs[w] = logIn(ctx, s, clientAddress(i/perAddress), secure)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return sessions, fmt.Errorf("open %d idle sessions: %w", count, err)
		}
	}
	return sessions, nil
}

func closeIdle(sessions []*session) {
	for _, s := range sessions {
		if s != nil {
			s.close()
		}
	}
	runtime.GC() // the next measurement has our core for itself
}
