package driver

import (
	linked "container/list"
	"net/netip"
)

// recent remembers something about the origins that were here last, a bounded
// number of them: strangers decide how many there are. Its owner guards it.
type recent[T any] struct {
	most  int
	known map[netip.Addr]*linked.Element // of *memory[T]
	order *linked.List                   // the one touched last is in front
}

// memory is what is known of one origin.
type memory[T any] struct {
	origin netip.Addr
	about  T
}

func newRecent[T any](most int) recent[T] {
	return recent[T]{most: most, known: make(map[netip.Addr]*linked.Element), order: linked.New()}
}

// of is what is known of an origin, or nil.
func (r *recent[T]) of(origin netip.Addr) *T {
	if e := r.known[origin]; e != nil {
		return &e.Value.(*memory[T]).about
	}
	return nil
}

// touch is the same for an origin that is here now. One that is new gets the
// zero value, and when there are too many, the one that was away longest is
// forgotten.
func (r *recent[T]) touch(origin netip.Addr) *T {
	e := r.known[origin]
	if e == nil {
		if r.order.Len() >= r.most {
			r.remove(r.order.Back())
		}
		e = r.order.PushFront(&memory[T]{origin: origin})
		r.known[origin] = e
	}
	r.order.MoveToFront(e)
	return &e.Value.(*memory[T]).about
}

// forget returns whether there was something to forget.
func (r *recent[T]) forget(origin netip.Addr) bool {
	e := r.known[origin]
	if e != nil {
		r.remove(e)
	}
	return e != nil
}

// forgetIf goes through all of them and returns how many it forgot.
func (r *recent[T]) forgetIf(worthless func(*T) bool) (forgotten int) {
	for e := r.order.Back(); e != nil; {
		next := e.Prev()
		if worthless(&e.Value.(*memory[T]).about) {
			r.remove(e)
			forgotten++
		}
		e = next
	}
	return forgotten
}

// each goes through all of them, the one that was away longest first.
func (r *recent[T]) each(do func(origin netip.Addr, about *T)) {
	for e := r.order.Back(); e != nil; e = e.Prev() {
		m := e.Value.(*memory[T])
		do(m.origin, &m.about)
	}
}

func (r *recent[T]) remove(e *linked.Element) {
	r.order.Remove(e)
	delete(r.known, e.Value.(*memory[T]).origin)
}
