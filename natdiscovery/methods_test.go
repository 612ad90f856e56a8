package natdiscovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Two methods besides UPnP, whatever they are called.
const first, second gateway.Method = "first", "second"

// by lets a story's router be asked by several methods, of which its others speak
// some.
func by(methods ...gateway.Method) func(*Config) {
	return func(c *Config) { c.Methods = methods }
}

// also makes the router speak one more method.
func (s *story) also(m gateway.Method) *router {
	if s.others == nil {
		s.others = map[gateway.Method]*router{}
	}
	s.others[m] = s.router.speaks(m)
	return s.others[m]
}

func (s *story) wantsMethod(want gateway.Method) {
	s.Helper()
	if g := s.status().Gateway; g == nil || g.Method != want {
		s.Errorf("at %v gateway: got %+v, want it asked by %s", s.now.Sub(s.start), g, want)
	}
}

func TestPreferredMethodIsUsed(t *testing.T) {
	s := newStory(t, by(first, second, gateway.UPnP))
	preferred := s.also(second)
	s.until(10 * time.Second)
	s.wantsMethod(second)
	s.wants(wanA, Reachable, allPassive)
	if len(s.router.asked) != 0 || len(preferred.asked) == 0 {
		t.Errorf("requests: %d by UPnP, %d by the preferred method", len(s.router.asked), len(preferred.asked))
	}
	got := s.status().Methods
	if len(got) != 3 || got[0].Problem == "" || got[1].Problem != "" || got[2].Problem != "" || got[0].Tried.IsZero() {
		t.Errorf("methods: got %+v, want a problem with the first alone", got)
	}
}

func TestMethodThatOpensNothingIsLeft(t *testing.T) {
	for name, deny := range map[string]error{"it refuses": gateway.ErrRefused, "it makes no sense": gateway.ErrProtocol,
		"it does not answer": gateway.ErrGone, "it says that the port is taken": gateway.ErrConflict} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, by(first, gateway.UPnP))
			s.also(first).deny = denies("map", deny, 0, 65535)
			s.until(10 * time.Second)
			s.wantsMethod(gateway.UPnP)
			s.wants(wanA, Reachable, allPassive)
			if got := s.status().Methods[0].Problem; got == "" {
				t.Error("the Status does not tell why the first method is not used")
			}
		})
	}
}

// A refused request for a mapping by NAT-PMP keeps miniupnpd 2.3.1 busy for minutes.
func TestNATPMPIsNotAskedForWhatPCPRefuses(t *testing.T) {
	s := newStory(t, by(gateway.PCP, gateway.NATPMP, gateway.UPnP))
	s.also(gateway.PCP).deny = denies("map", gateway.ErrRefused, 0, 65535)
	pmp := s.also(gateway.NATPMP)
	s.router.deny = denies("map", gateway.ErrRefused, 0, 65535)
	s.until(10 * time.Minute)
	if n := len(pmp.asked); n != 0 {
		t.Errorf("%d requests by NAT-PMP", n)
	}
	s.wantsMethod(gateway.UPnP)
	if got := s.status().Verdict; got != GatewayRefuses {
		t.Errorf("verdict %q, want %q", got, GatewayRefuses)
	}
}

func TestMethodIsKept(t *testing.T) {
	t.Run("that refuses the control port outside, but not ours", func(t *testing.T) {
		s := newStory(t, by(first, gateway.UPnP), func(c *Config) { c.ExternalControlPort = 21 })
		s.also(first).deny = denies("map", gateway.ErrRefused, 21, 21)
		s.until(time.Minute)
		s.wantsMethod(first)
		s.wants(wanA, Reachable, allPassive)
	})
	t.Run("that has no room", func(t *testing.T) {
		s := newStory(t, by(first, gateway.UPnP))
		s.also(first).deny = denies("map", gateway.ErrFull, 0, 65535)
		s.until(time.Minute)
		s.wantsMethod(first)
	})
	t.Run("that refuses later what it opened", func(t *testing.T) {
		s := newStory(t, by(first, gateway.UPnP))
		m := s.also(first)
		s.until(time.Minute)
		m.deny = denies("map", gateway.ErrRefused, 0, 65535)
		s.until(40 * time.Minute)
		s.wantsMethod(first)
	})
}

func TestRefusalByTheOnlyMethodIsNotAskedForAgainSoon(t *testing.T) {
	s := newStory(t, by(first, gateway.UPnP))
	s.router.off = true
	m := s.also(first)
	m.deny = denies("map", gateway.ErrRefused, 0, 65535)
	s.until(time.Minute)
	s.wantsMethod(first)
	s.wants(wanA, GatewayRefuses, allPassive)
	asked, searches := s.now, s.searches
	s.until(29 * time.Minute)
	if got := m.count("map", asked); got != 0 || s.searches != searches {
		t.Errorf("meanwhile: %d requests, %d searches; want none", got, s.searches-searches)
	}
	m.deny = nil
	s.until(35 * time.Minute)
	s.wants(wanA, Reachable, allPassive)
}

func TestMethodOutOfFavourIsTriedLast(t *testing.T) {
	s := newStory(t, by(first, gateway.UPnP))
	m := s.also(first)
	m.deny = denies("map", gateway.ErrRefused, 0, 65535)
	s.until(time.Minute)
	m.deny = nil
	s.router.reboot()
	s.until(3 * time.Minute)
	s.wantsMethod(gateway.UPnP)
	s.until(outOfFavour + time.Minute)
	s.router.reboot()
	s.until(outOfFavour + 3*time.Minute)
	s.wantsMethod(first)
}

func TestUPnPRemovesWhatOtherMethodsLeftAtAnOldAddress(t *testing.T) {
	s := newStory(t, by(first, gateway.UPnP))
	s.also(first)
	s.until(time.Minute)
	s.place.Local = lanB
	s.tell(networkChanged{})
	s.after(15 * time.Second)
	s.wantsMethod(first)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "" {
		t.Errorf("for the old address the router lists %q", got)
	}
}

func TestNATOnTheWayToTheGateway(t *testing.T) {
	behind := fmt.Errorf("probe: %w: %w", gateway.ErrNotFound, gateway.ErrBehindNAT)
	for name, told := range map[string]bool{"told in the search": true, "told for a mapping": false} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, by(gateway.PCP, gateway.NATPMP))
			s.router.off = true
			s.also(gateway.NATPMP).deny = denies("map", gateway.ErrBehindNAT, 0, 65535)
			discover := s.cfg.Discover
			s.cfg.Discover = func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
				if told && m == gateway.PCP {
					return nil, behind
				}
				return discover(ctx, n, m)
			}
			s.until(time.Minute)
			s.wants(wanA, DoubleNAT, allPassive)
			if got := s.others[gateway.NATPMP].count("map", s.start); (got == 0) != told {
				t.Errorf("NAT-PMP was asked for %d mappings", got)
			}
			s.others[gateway.NATPMP].deny, told = nil, false
			s.until(time.Hour + time.Minute)
			s.wants(wanA, Reachable, allPassive)
		})
	}
}

func TestGatewayThatForgotIsToldAgain(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	clear(s.router.table)
	s.router.forgot = s.now
	s.after(15 * time.Second) // the next poll tells
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
	asked := s.router.count("map", s.start)
	s.after(10 * time.Minute)
	if got := s.router.count("map", s.start); got != asked {
		t.Errorf("it was told %d times more", got-asked)
	}
}

func TestRenewalsByPCPAreSpread(t *testing.T) {
	m := gateway.Mapping{Granted: time.Now(), Lifetime: time.Hour}
	for method, want := range map[gateway.Method]time.Duration{gateway.UPnP: 30 * time.Minute, gateway.PCP: 30*time.Minute + 6*time.Minute} {
		c := newCore(testConfig(), journal{})
		c.gw.method = method
		if got := c.renewAt(m, 0.8).Sub(m.Granted); got != want {
			t.Errorf("%s: renewed after %v, want %v", method, got, want)
		}
	}
}

// answering finds a client after a delay, or says why not.
func answering(after map[gateway.Method]time.Duration, ended *[]gateway.Method) func(context.Context, Network, gateway.Method) (gateway.Client, error) {
	r := newRouter(time.Now)
	return func(ctx context.Context, _ Network, m gateway.Method) (gateway.Client, error) {
		delay, ok := after[m]
		if !ok {
			delay = 2 * time.Second
		}
		select {
		case <-ctx.Done():
			time.Sleep(time.Millisecond) // clean-up
			*ended = append(*ended, m)
			return nil, ctx.Err()
		case <-time.After(delay):
		}
		if !ok {
			return nil, gateway.ErrNotFound
		}
		return r.speaks(m).discover(lanA)
	}
}

func TestSearchWaitsForThePreferredMethodALittle(t *testing.T) {
	methods := []gateway.Method{first, second}
	tests := []struct {
		name  string
		after map[gateway.Method]time.Duration
		want  []gateway.Method // found
		took  time.Duration
	}{
		{"both answer", map[gateway.Method]time.Duration{first: 300 * time.Millisecond, second: 10 * time.Millisecond}, methods, 300 * time.Millisecond},
		{"the preferred one is slow", map[gateway.Method]time.Duration{first: time.Second, second: 10 * time.Millisecond}, methods[1:], 611 * time.Millisecond},
		{"the other one is slow", map[gateway.Method]time.Duration{first: 10 * time.Millisecond, second: time.Second}, methods[:1], 611 * time.Millisecond},
		{"one is not there", map[gateway.Method]time.Duration{second: time.Second}, methods[1:], 1601 * time.Millisecond},
		{"none is there", nil, nil, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended []gateway.Method
				cfg := testConfig()
				cfg.Discover = answering(tt.after, &ended)
				began := time.Now()
				e := discover{Network{}, methods}.do(t.Context(), cfg).(discovered)
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				var got []gateway.Method
				for _, f := range e.findings {
					switch {
					case f.err == nil:
						got = append(got, f.method)
					case slices.Contains(ended, f.method) != errors.Is(f.err, errNotAwaited):
						t.Errorf("%s: got %v", f.method, f.err)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("found: got %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestUnknownMethodFindsNothing(t *testing.T) {
	if _, err := (speaker{}).discover(t.Context(), Network{}, "telepathy"); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("got %v, want %v", err, gateway.ErrNotFound)
	}
}
