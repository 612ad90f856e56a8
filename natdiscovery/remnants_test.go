package natdiscovery

import (
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

// A router goes on without PCP, and its NAT-PMP neither takes new mappings nor removes
// what PCP has written.
func TestMappingsAreRemovedByTheMethodThatMadeThem(t *testing.T) {
	for name, back := range map[string]bool{"which is back at the end": true, "or end soon, where that has gone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := nattest.Start(t)
			m := nattest.StartMapper(t, r)
			m.Behave(func(b *nattest.MapperBehaviour) { b.OwnOnly = true })
			cfg := mapperHome(t, r, m)
			d, ctx, stop := runs(t, cfg)
			waitFor(ctx, t, d, func(s *Status) bool {
				return s.Gateway != nil && s.Gateway.Method == gateway.PCP && len(s.Outside) == 3
			})
			if n := r.Len(); n != 4 {
				t.Fatalf("PCP has made %d mappings, want 4", n)
			}
			m.Behave(func(b *nattest.MapperBehaviour) { b.NoPCP, b.Results = true, map[string]int{"NAT-PMP map": 4} })
			r.SetExternal(wanC) // so that all are asked for again
			waitFor(ctx, t, d, func(s *Status) bool { return s.Gateway != nil && s.Gateway.Method == gateway.NATPMP })
			m.Behave(func(b *nattest.MapperBehaviour) { b.NoPCP = !back })
			stop()
			left := store(cfg.StateDir).load(failOnLog(t)).mappings
			if back {
				if n := r.Len(); n != 0 || len(left) != 0 {
					t.Errorf("at the end the router has %d mappings, the journal %d", n, len(left))
				}
				return
			}
			if len(left) != 4 || left[0].method != gateway.PCP {
				t.Errorf("the journal has %+v, want the 4 by PCP", left)
			}
			r.Advance(briefLease)
			if n := r.Len(); n != 0 {
				t.Errorf("%v later the router has %d mappings", briefLease, n)
			}
		})
	}
}

// Which method is in use may change many times, and each may not see what another made.
func TestWhatAnotherMethodMadeIsKeptInMind(t *testing.T) {
	s := newStory(t, journalled(t), by(first, second, gateway.UPnP))
	one, two := s.also(first), s.also(second)
	s.router.off = true
	s.until(time.Minute)
	s.wantsMethod(first)
	one.off = true
	s.after(time.Minute)
	s.wantsMethod(second)
	if got := len(s.core.former); got != 11 {
		t.Errorf("kept in mind: got %d mappings, want the 11 of the first method", got)
	}
	if got := len(s.store().load(s.cfg.Log).mappings); got != 22 {
		t.Errorf("in the journal: got %d mappings, want 22", got)
	}
	one.off, two.off = false, true
	s.after(time.Minute)
	s.wantsMethod(first)
	if got := len(s.core.former); got != 11 {
		t.Errorf("kept in mind: got %d mappings, want the 11 of the second method", got)
	}
	s.after(2 * time.Hour)
	one.reboot() // so that it is found anew
	s.after(time.Minute)
	if got := len(s.core.former); got != 0 {
		t.Errorf("kept in mind after their leases: got %d mappings, want none", got)
	}
}
