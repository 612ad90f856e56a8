package status

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// timelineSize is how many events are kept: half of them for what clients did,
// so that no stranger can push out what happened to the network.
const timelineSize = 200

// Event is something that happened.
type Event struct {
	Time  time.Time `json:"time"`
	Level string    `json:"level"`
	// Message is what the log says, Facts are its attributes.
	Message string `json:"message"`
	Facts   []Fact `json:"facts"`
	// Times is how often it happened in a row, Time when last.
	Times int `json:"times"`
}

// Fact is a named value of an Event.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Timeline keeps the latest of what happened, in the words of the log. It is fed
// by the handlers that Behind makes.
type Timeline struct {
	mu      sync.Mutex
	network ring
	clients ring
	changed chan struct{} // holds a token when there is something new
}

// NewTimeline makes an empty Timeline.
func NewTimeline() *Timeline {
	return &Timeline{changed: make(chan struct{}, 1)}
}

// Behind returns a handler that keeps what it hands on to next.
func (t *Timeline) Behind(next slog.Handler) slog.Handler { return keeper{next: next, timeline: t} }

// Events are those of this moment, the latest first.
func (t *Timeline) Events() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := append(append([]Event{}, t.network.events...), t.clients.events...)
	slices.SortStableFunc(all, func(a, b Event) int { return cmp.Compare(b.Time.UnixNano(), a.Time.UnixNano()) })
	return all
}

func (t *Timeline) add(e Event) {
	t.mu.Lock()
	r := &t.network
	if e.client() != "" {
		r = &t.clients
	}
	r.add(e)
	t.mu.Unlock()
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// client is the address of the client that the event is about; "": none.
func (e Event) client() string {
	for _, f := range e.Facts {
		if f.Name == "client" {
			return f.Value
		}
	}
	return ""
}

// ring is the events of one kind, the oldest first.
type ring struct{ events []Event }

// add joins what the same client did before, or what is the same as the latest.
func (r *ring) add(e Event) {
	for i := range slices.Backward(r.events) {
		old := r.events[i]
		if old.Message == e.Message && old.client() == e.client() && (e.client() != "" || slices.Equal(old.Facts, e.Facts)) {
			e.Times = old.Times + 1
			r.events = append(slices.Delete(r.events, i, i+1), e)
			return
		}
		if e.client() == "" {
			break
		}
	}
	if len(r.events) >= timelineSize/2 {
		r.events = slices.Delete(r.events, 0, 1)
	}
	r.events = append(r.events, e)
}

// noise is what happens all the time, and is seen elsewhere on the page.
var noise = []string{"login", "logout", "transfer complete"}

// keeper keeps records of level info and above.
type keeper struct {
	next     slog.Handler
	timeline *Timeline
	facts    []Fact // of WithAttrs
	group    string // of WithGroup, with its dot
}

// Enabled says so of what is logged or kept.
func (k keeper) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || k.next.Enabled(ctx, level)
}

// Handle keeps the record, and hands it on if it is to be logged.
func (k keeper) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && !slices.Contains(noise, r.Message) {
		facts := append([]Fact{}, k.facts...)
		r.Attrs(func(a slog.Attr) bool {
			facts = appendFact(facts, k.group, a)
			return true
		})
		k.timeline.add(Event{Time: r.Time, Level: levelName(r.Level), Message: r.Message, Facts: facts, Times: 1})
	}
	if !k.next.Enabled(ctx, r.Level) {
		return nil
	}
	return k.next.Handle(ctx, r)
}

// WithAttrs is slog.Handler's.
func (k keeper) WithAttrs(attrs []slog.Attr) slog.Handler {
	k.facts = slices.Clip(k.facts)
	for _, a := range attrs {
		k.facts = appendFact(k.facts, k.group, a)
	}
	k.next = k.next.WithAttrs(attrs)
	return k
}

// WithGroup is slog.Handler's.
func (k keeper) WithGroup(name string) slog.Handler {
	if name == "" {
		return k
	}
	k.group += name + "."
	k.next = k.next.WithGroup(name)
	return k
}

// appendFact adds an attribute that says something.
func appendFact(facts []Fact, group string, a slog.Attr) []Fact {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			facts = appendFact(facts, group+a.Key+".", inner)
		}
		return facts
	}
	text := v.String()
	if text == "" || text == "<nil>" || text == "invalid IP" {
		return facts
	}
	return append(facts, Fact{group + a.Key, text})
}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warning"
	}
	return "info"
}
