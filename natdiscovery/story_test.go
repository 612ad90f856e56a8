package natdiscovery

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/route"
	"natftpd/natdiscovery/stun"
)

var (
	lanA   = netip.MustParseAddr("192.168.77.10")
	lanB   = netip.MustParseAddr("192.168.77.33")
	wanA   = netip.MustParseAddr("11.22.0.2")
	wanB   = netip.MustParseAddr("11.22.0.3")
	wanC   = netip.MustParseAddr("11.22.0.4")
	nobody netip.Addr
)

// story plays the core against a fake home network in simulated time: hours take
// milliseconds. The network answers after a delay, as the real one does.
type story struct {
	*testing.T
	cfg       Config
	core      *core
	router    *router
	others    map[gateway.Method]*router // its other methods
	place     route.Network
	reflexive netip.Addr    // what STUN servers see; the zero Addr: they are silent
	names     []netip.Addr  // what the host name stands for
	slowness  time.Duration // of the router, beside the usual
	slowDisk  time.Duration // until the journal is written; 0: it is at once

	start, now, wake time.Time
	pending          []happening
	searches         int
	stunAsked        []time.Duration
	seen             []time.Duration // network reads
	watch            func(s Status)  // called after each step
}

// happening is an event that is still to come.
type happening struct {
	at    time.Time
	event event
}

// written is a journal that is on the disk at last.
type written struct {
	save saveJournal
	cfg  Config
}

func (w written) apply(c *core, now time.Time) { w.save.do(context.Background(), w.cfg).apply(c, now) }

// newStory is a home with a router that opens ports and STUN servers that agree
// with it.
func newStory(t *testing.T, change ...func(*Config)) *story {
	s := &story{T: t, start: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), reflexive: wanA}
	s.now = s.start
	s.place = route.Network{Interface: "eth0", Local: lanA, Router: netip.MustParseAddr("192.168.77.1"),
		LANs: []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24")}}
	s.router = newRouter(func() time.Time { return s.now })
	s.cfg = testConfig()
	var searching sync.Mutex
	s.cfg.Discover = func(_ context.Context, n Network, m gateway.Method) (gateway.Client, error) {
		searching.Lock()
		defer searching.Unlock()
		s.searches++
		if s.router.method == m {
			return s.router.discover(n.Local)
		}
		if other := s.others[m]; other != nil {
			return other.discover(n.Local)
		}
		return nil, gateway.ErrNotFound
	}
	s.cfg.AskSTUN = func(context.Context) []stun.Answer {
		s.stunAsked = append(s.stunAsked, s.now.Sub(s.start))
		return agreeing(s.reflexive)
	}
	s.cfg.Network = func() (route.Network, error) {
		s.seen = append(s.seen, s.now.Sub(s.start))
		return s.place, nil
	}
	s.cfg.LookupHost = func(context.Context, string) ([]netip.Addr, error) { return s.names, nil }
	for _, c := range change {
		c(&s.cfg)
	}
	s.core, s.wake = newCore(s.cfg, journal{}), s.start
	return s
}

func testConfig() Config {
	return Config{
		Log:         slog.New(slog.DiscardHandler),
		ControlPort: 2121, FirstPassive: 50000, LastPassive: 50009,
		Methods: []gateway.Method{gateway.UPnP}, InterfaceLANs: true,
		Random: func() float64 { return 0.5 },
		Lease:  time.Hour, CheckInterval: 15 * time.Second, Description: "natftpd",
	}
}

// agreeing is what two operators answer who see the same address.
func agreeing(addr netip.Addr) []stun.Answer {
	if !addr.IsValid() {
		return []stun.Answer{{Server: "a.example:3478", Err: errors.New("silence")}}
	}
	var list []stun.Answer
	for i, host := range []string{"a.example:3478", "b.example:3478"} {
		list = append(list, stun.Answer{Server: host,
			Addr:      netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, 99, 0, byte(i)}), 3478),
			Reflexive: netip.AddrPortFrom(addr, 40000)})
	}
	return list
}

// step hands the core one event and plays its actions.
func (s *story) step(e event) {
	actions, wake := s.core.step(s.now, e)
	s.wake = wake
	if s.watch != nil {
		s.watch(s.status())
	}
	for _, a := range actions {
		if save, ok := a.(saveJournal); ok && s.slowDisk > 0 {
			s.pending = append(s.pending, happening{s.now.Add(s.slowDisk), written{save, s.cfg}})
			continue
		}
		outcome := a.do(s.Context(), s.cfg)
		s.pending = append(s.pending, happening{s.now.Add(s.delay(outcome)), outcome})
	}
}

// delay is how long the network takes for an outcome.
func (s *story) delay(outcome event) time.Duration {
	switch e := outcome.(type) {
	case discovered:
		for _, f := range e.findings {
			if f.err == nil {
				return 500 * time.Millisecond
			}
		}
		return 3 * time.Second
	case stunAnswered:
		if !e.agreed {
			return 3 * time.Second
		}
	case addressTold:
		return s.slowness + slow(e.err)
	case mapped:
		return s.slowness + slow(e.err)
	case checked:
		return s.slowness + slow(e.err)
	}
	return 50 * time.Millisecond
}

// slow is how long a request takes: a router that is off costs a time-out.
func slow(err error) time.Duration {
	if errors.Is(err, gateway.ErrGone) {
		return 5 * time.Second
	}
	return 100 * time.Millisecond
}

// until plays on to that time after the start.
func (s *story) until(d time.Duration) Status {
	s.Helper()
	end := s.start.Add(d)
	for {
		next, i := s.wake, -1
		for j, p := range s.pending {
			if !p.at.After(next) {
				next, i = p.at, j
			}
		}
		if next.After(end) {
			s.now = end
			return s.status()
		}
		if next.Before(s.now) {
			next = s.now
		}
		s.now = next
		var e event
		if i >= 0 {
			e = s.pending[i].event
			s.pending = slices.Delete(s.pending, i, i+1)
		}
		s.step(e)
	}
}

func (s *story) status() Status { return s.core.status() }

// tell hands the core news at this moment.
func (s *story) tell(e event) { s.step(e) }

// wants compares the address, the verdict and the outside ports.
func (s *story) wants(external netip.Addr, verdict Verdict, outside string) {
	s.Helper()
	got := s.status()
	at := s.now.Sub(s.start)
	if got.External != external {
		s.Errorf("at %v external: got %v, want %v", at, got.External, external)
	}
	if got.Verdict != verdict {
		s.Errorf("at %v verdict: got %q (%s), want %q", at, got.Verdict, got.Advice, verdict)
	}
	if r := ranges(got.Outside); r != outside {
		s.Errorf("at %v outside: got %q, want %q", at, r, outside)
	}
}

// advises wants words in the advice.
func (s *story) advises(words string) {
	s.Helper()
	if got := s.status().Advice; !strings.Contains(got, words) {
		s.Errorf("advice: got %q, want %q in it", got, words)
	}
}

const allPassive = "50000-50009"
