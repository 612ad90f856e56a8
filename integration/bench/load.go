//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// sample is what one measurement gave.
type sample struct {
	// Value is in the row's unit.
	Value float64 `json:"value"`
	// ServerCPU is in microseconds for each thing that the row's cost names.
	ServerCPU float64 `json:"server_cpu_us,omitempty"`
	// ClientBusy is the share of the time that the load generator computed: near
	// 1 the row measures the client.
	ClientBusy float64 `json:"client_busy,omitempty"`
	// Foreign is the share of the two cores that everybody else took.
	Foreign float64 `json:"foreign"`
	// P50 and P99 are percentiles of the time that an operation took, in
	// milliseconds.
	P50 float64 `json:"p50_ms,omitempty"`
	P99 float64 `json:"p99_ms,omitempty"`
}

// operation is what is repeated: a transfer, a login. The number is never the same
// twice in a measurement.
type operation func(ctx context.Context, w *worker, number int) error

// worker is one of the clients that work at the same time.
type worker struct {
	place  *place
	server *server
	from   netip.Addr
	// session is nil where the operation opens its own.
	session *session
	id      int
	took    []time.Duration
}

// load is so many workers that repeat an operation.
type load struct {
	workers int
	tls     bool
	// alone: the operation opens its own connections.
	alone bool
	do    operation
	// check is done once before; nil: the operation itself.
	check operation
	// each is how many of the row's units an operation is, costs how many of the
	// things whose cost is told.
	each, costs float64
}

// clientAddress is an address of loopback for each worker.
func clientAddress(worker int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 1, byte(worker >> 8), byte(worker)}).Next()
}

// open makes a worker, logged in.
func (l *load) open(ctx context.Context, p *place, s *server, id int) (*worker, error) {
	w := &worker{place: p, server: s, id: id, from: clientAddress(id)}
	if l.alone {
		return w, nil
	}
	var err error
	w.session, err = logIn(ctx, s, w.from, l.tls)
	return w, err
}

func (w *worker) close() {
	if w.session != nil {
		w.session.close()
	}
}

// logIn opens a session.
func logIn(ctx context.Context, s *server, from netip.Addr, secure bool) (*session, error) {
	c, err := connect(ctx, s.at, from)
	if err != nil {
		return nil, err
	}
	if secure {
		err = c.secure()
	}
	if err == nil {
		err = c.login(s.user)
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("log in: %w", err)
	}
	return c, nil
}

// try does the operation once, checked.
func (l *load) try(ctx context.Context, p *place, s *server) error {
	w, err := l.open(ctx, p, s, 0)
	if err != nil {
		return err
	}
	defer w.close()
	check := l.check
	if check == nil {
		check = l.do
	}
	return errors.Join(check(ctx, w, 0), p.files.clear())
}

// measure lets the workers work for the time of the options, each at least once.
func (l *load) measure(ctx context.Context, p *place, s *server) (out sample, err error) {
	// What one server stored belongs to its user: the next could not replace it.
	defer func() { err = errors.Join(err, p.files.clear()) }()
	workers := make([]*worker, l.workers)
	for i := range workers {
		if workers[i], err = l.open(ctx, p, s, i); err != nil {
			return out, err
		}
		defer workers[i].close()
	}
	m, err := begin(s, p.cores)
	if err != nil {
		return out, err
	}
	errs := make([]error, len(workers))
	var all sync.WaitGroup
	for i, w := range workers {
		all.Go(func() { errs[i] = w.work(ctx, l.do, m.began.Add(p.time)) })
	}
	all.Wait()
	r, err := m.end()
	if err := errors.Join(append(errs, err)...); err != nil {
		return out, err
	}
	var times []time.Duration
	for _, w := range workers {
		times = append(times, w.took...)
	}
	done := float64(len(times))
	out = r.sample(done*l.each, done*l.costs)
	out.P50, out.P99 = milliseconds(percentile(times, 50)), milliseconds(percentile(times, 99))
	return out, nil
}

// sample is what it means that so many units were done, at the cost of so many
// things.
func (r reading) sample(units, costs float64) sample {
	return sample{
		Value:      units / r.took.Seconds(),
		ServerCPU:  float64(r.server.Nanoseconds()) / 1e3 / costs,
		ClientBusy: r.client.Seconds() / r.took.Seconds(),
		Foreign:    r.foreign,
	}
}

func (w *worker) work(ctx context.Context, do operation, until time.Time) error {
	for n := 0; ; n++ {
		began := time.Now()
		if err := do(ctx, w, n); err != nil {
			return err
		}
		now := time.Now()
		w.took = append(w.took, now.Sub(began))
		if !now.Before(until) {
			return ctx.Err()
		}
	}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// percentile sorts the times and returns the one that so many in a hundred are
// not above.
func percentile(times []time.Duration, p int) time.Duration {
	slices.Sort(times)
	return times[len(times)*p/100]
}
