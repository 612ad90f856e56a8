// Package hooks tells programs and web servers of events: it runs a command with the
// facts in its environment, or sends them as JSON.
//
// Whoever tells an event never waits: events queue up, a bounded number of them is
// worked at, each for a bounded time, and what finds the queue full is dropped and
// counted. So a hook that hangs, fails or floods harms nobody. The package knows
// neither FTP nor networks: an event is a name and facts.
package hooks

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueSize is how many commands may wait, and how many requests.
	queueSize = 256
	// workers is how many commands run at a time, and how many requests. A home
	// machine has better things to do than sixteen thumbnails at once.
	workers = 4
	// complainEvery is how often dropped events are logged, at most.
	complainEvery = time.Minute
)

// Hook is what is to be done when one of some events happens.
type Hook struct {
	// On are the names of the events.
	On []string
	// Command is a program and its arguments; empty: URL is sent a POST.
	Command []string
	URL     string
	// Secret signs what URL is sent. Empty: it is not signed.
	Secret string
	// Timeout bounds one run, or one request.
	Timeout time.Duration
}

// Event is something that happened.
type Event struct {
	Name string
	Time time.Time
	// Facts are what is known of it, in this order.
	Facts []Fact
}

// Fact is one fact of an Event. The name is snake_case; the value a string, a bool,
// or a number.
type Fact struct {
	Name  string
	Value any
}

// Hooks work at events. New starts nothing, Run works, and Tell and Change may be
// called from any goroutine.
type Hooks struct {
	log   *slog.Logger
	hooks atomic.Pointer[[]Hook]
	// A web server that is down holds up no command.
	commands, requests chan job

	dropped atomic.Int64
	post    poster
}

// job is a hook for an event.
type job struct {
	hook  Hook
	event Event
}

// New makes Hooks with nothing to do yet.
func New(log *slog.Logger) *Hooks {
	h := &Hooks{log: log, commands: make(chan job, queueSize), requests: make(chan job, queueSize), post: newPoster()}
	h.hooks.Store(&[]Hook{})
	return h
}

// Change has events from now on go to other hooks.
func (h *Hooks) Change(hooks []Hook) { h.hooks.Store(&hooks) }

// Wants tells whether any hook is for events of that name: making one for nobody
// costs something, too.
func (h *Hooks) Wants(name string) bool {
	return slices.ContainsFunc(*h.hooks.Load(), func(hook Hook) bool { return slices.Contains(hook.On, name) })
}

// Tell has the hooks for an event do their work. It returns at once.
func (h *Hooks) Tell(e Event) {
	for _, hook := range *h.hooks.Load() {
		if !slices.Contains(hook.On, e.Name) {
			continue
		}
		queue := h.commands
		if hook.URL != "" {
			queue = h.requests
		}
		select {
		case queue <- job{hook, e}:
		default:
			h.dropped.Add(1)
		}
	}
}

// Run works until ctx ends; then hooks that run are ended, and those that wait are
// not begun.
func (h *Hooks) Run(ctx context.Context) {
	var working sync.WaitGroup
	for range workers {
		working.Go(func() { work(ctx, h.commands, h.run) })
		working.Go(func() { work(ctx, h.requests, h.send) })
	}
	working.Go(func() { h.complain(ctx) })
	working.Wait()
}

// work does one job after the other.
func work(ctx context.Context, queue <-chan job, do func(context.Context, job)) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-queue:
			do(ctx, j)
		}
	}
}

func (h *Hooks) run(ctx context.Context, j job) {
	began := time.Now()
	h.tell(ctx, run(ctx, j), "event", j.event.Name, "command", j.hook.Command[0], "took", time.Since(began))
}

func (h *Hooks) send(ctx context.Context, j job) {
	began := time.Now()
	h.tell(ctx, h.post.send(ctx, j), "event", j.event.Name, "url", public(j.hook.URL), "took", time.Since(began))
}

// tell logs what became of a job. Nobody else hears of it.
func (h *Hooks) tell(ctx context.Context, err error, facts ...any) {
	switch {
	case err == nil:
		h.log.Debug("hook done", facts...)
	case ctx.Err() != nil:
		h.log.Warn("hook ended with the server", facts...)
	default:
		h.log.Warn("hook failed", append(facts, "error", err)...)
	}
}

// complain tells of dropped events, now and then.
func (h *Hooks) complain(ctx context.Context) {
	tick := time.NewTicker(complainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if n := h.dropped.Swap(0); n > 0 {
				h.log.Warn("hooks are too slow for what happens: events dropped", "count", n)
			}
		}
	}
}
