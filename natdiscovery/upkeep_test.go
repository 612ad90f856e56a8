package natdiscovery

import (
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

func TestQuietHoursCostLittleAndLoseNothing(t *testing.T) {
	for _, tt := range []struct {
		method    gateway.Method
		announces bool
		polled    time.Duration // between two questions for the address
	}{
		{gateway.UPnP, false, 10 * time.Second},
		{gateway.PCP, false, 6 * time.Second},
		{gateway.NATPMP, false, 6 * time.Second},
		{gateway.NATPMP, true, 10 * time.Second},
	} {
		name := string(tt.method)
		if tt.announces {
			name += " of a router that announces"
		}
		t.Run(name, func(t *testing.T) {
			s := newStory(t, by(tt.method))
			s.router.method = tt.method
			s.until(30 * time.Second)
			if tt.announces {
				s.hears(gateway.AddressChanged)
			}
			s.until(time.Minute)
			quietHours(s)
			s.wantsPolls(tt.polled)
		})
	}
}

// quietHours are three in which nothing changes.
func quietHours(s *story) {
	s.Helper()
	quiet := s.now
	searches := s.searches
	for at := time.Minute; at < 3*time.Hour; at += 10 * time.Second {
		s.until(at)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			s.Fatalf("at %v the router lists %q", at, got)
		}
		for i := range s.core.ports {
			if age := s.now.Sub(s.core.ports[i].looked); age > 5*time.Minute {
				s.Fatalf("at %v port %d went unconfirmed for %v", at, s.core.ports[i].internal, age)
			}
		}
	}
	if got := s.router.busiest(quiet); got > 12 {
		s.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
	if s.searches != searches {
		s.Errorf("searches in quiet hours: %d", s.searches-searches)
	}
	if got, want := len(s.stunAsked), 3*12+5; got > want {
		s.Errorf("STUN rounds in three hours: got %d, want at most %d", got, want)
	}
}

// wantsPolls wants the router asked for its address after that time at the soonest and
// 15 s at the latest, and mostly so soon.
func (s *story) wantsPolls(soonest time.Duration) {
	s.Helper()
	var last time.Time
	soon, all := 0, 0
	for _, q := range s.router.asked {
		if q.what != "address" || q.at.Sub(s.start) < time.Minute {
			continue
		}
		if pause := q.at.Sub(last); !last.IsZero() {
			all++
			if pause < soonest || pause > 15*time.Second {
				s.Fatalf("asked for its address %v after the last time", pause)
			}
			if pause < soonest+time.Second {
				soon++
			}
		}
		last = q.at
	}
	if soon*2 < all {
		s.Errorf("asked for its address within %v only %d times of %d", soonest+time.Second, soon, all)
	}
}

func TestWhereEveryCheckIsARenewalLeasesAreShort(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method gateway.Method
		asked  time.Duration
		ports  uint16
		want   time.Duration
	}{
		{"by UPnP as configured", gateway.UPnP, time.Hour, 10, time.Hour},
		{"by UPnP for ever", gateway.UPnP, 0, 10, 0},
		{"by PCP", gateway.PCP, time.Hour, 10, 20 * time.Minute},
		{"by NAT-PMP that shall last for ever", gateway.NATPMP, 0, 10, 20 * time.Minute},
		{"by PCP shorter still", gateway.PCP, 10 * time.Minute, 10, 10 * time.Minute},
		{"by PCP of many ports", gateway.PCP, time.Hour, 49, 50 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Lease, cfg.LastPassive = tt.asked, cfg.FirstPassive+tt.ports-1
			c := newCore(cfg, journal{})
			c.gw.method = tt.method
			if got := c.request(0).Lease; got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestShortLeasesAreKeptWithoutAGap(t *testing.T) {
	s := newStory(t)
	s.router.lease = time.Minute
	s.until(5 * time.Second)
	s.watch = func(now Status) {
		if got := ranges(now.Outside); got != allPassive {
			t.Fatalf("after %v outside: got %q", s.now.Sub(s.start), got)
		}
	}
	for at := 10 * time.Second; at < 10*time.Minute; at += time.Second {
		s.until(at)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Fatalf("at %v the router lists %q", at, got)
		}
	}
}

func TestLeasesTooShortToKeepAreRefused(t *testing.T) {
	for _, method := range []gateway.Method{gateway.UPnP, gateway.PCP, gateway.NATPMP} {
		t.Run(string(method), func(t *testing.T) {
			s := newStory(t, by(method))
			s.router.method, s.router.lease = method, time.Second
			s.until(2 * time.Minute)
			s.wants(wanA, GatewayRefuses, allPassive)
			s.advises("grants no more than 1s")
			s.watch = func(now Status) {
				if now.Verdict != GatewayRefuses {
					t.Fatalf("at %v verdict: got %q", s.now.Sub(s.start), now.Verdict)
				}
			}
			began := s.now
			s.after(10 * time.Minute)
			if got := s.router.busiest(began); got > 12 {
				t.Errorf("busiest minute: got %d requests, want at most 12", got)
			}
		})
	}
}

func TestSlowRouterIsAskedForPortsToo(t *testing.T) {
	s := newStory(t, func(c *Config) { c.CheckInterval = 5 * time.Second })
	s.slowness = 4 * time.Second
	s.until(2 * time.Minute)
	s.wants(wanA, Reachable, allPassive)
}

func TestLeaseThatNeverEndsIsCheckedAndNotRenewed(t *testing.T) {
	s := newStory(t, func(c *Config) { c.Lease = 0 })
	s.until(time.Minute)
	quiet := s.now
	s.until(5 * time.Hour)
	if got := s.router.count("map", quiet); got != 0 {
		t.Errorf("renewals: got %d, want 0", got)
	}
	if got := s.router.count("check", quiet); got < 5*12*11 {
		t.Errorf("checks: got %d, want one of each mapping in 5 minutes", got)
	}
}

func TestLostMappingsArePutBack(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	clear(s.router.table)
	s.until(10*time.Minute + 25*time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestTheEndKnowsWhatIsOnTheRouter(t *testing.T) {
	t.Run("all that was mapped", func(t *testing.T) {
		s := newStory(t)
		s.until(time.Minute)
		if list := s.core.leave(); len(list) != 11 {
			t.Errorf("got %d mappings, want 11", len(list))
		}
	})
	t.Run("what is being asked for", func(t *testing.T) {
		s := newStory(t)
		s.until(time.Second)
		for s.core.gw.doing == nil {
			s.until(s.now.Sub(s.start) + 10*time.Millisecond)
		}
		asked, ok := s.core.gw.doing.(mapPort)
		if !ok {
			t.Fatalf("the router is asked %T", s.core.gw.doing)
		}
		list := s.core.leave()
		if last := list[len(list)-1]; last.mapping.Request != asked.request {
			t.Errorf("got %v last, want %v", last.mapping.Request, asked.request)
		}
	})
	t.Run("what is being renewed, once", func(t *testing.T) {
		s := newStory(t)
		s.until(time.Minute)
		s.core.gw.doing = s.core.mapDuty(0)
		if list := s.core.leave(); len(list) != 11 {
			t.Errorf("got %d mappings, want 11", len(list))
		}
	})
	t.Run("what got no answer", func(t *testing.T) {
		s := newStory(t)
		s.router.deny = denies("map", gateway.ErrProtocol, 2121, 2121)
		s.until(time.Second * 10)
		if list := s.core.leave(); len(list) != 11 {
			t.Errorf("got %d mappings, want 11", len(list))
		}
	})
	t.Run("not what was refused", func(t *testing.T) {
		s := newStory(t)
		s.router.deny = denies("map", gateway.ErrRefused, 0, 65535)
		s.until(time.Second * 10)
		if list := s.core.leave(); len(list) != 0 {
			t.Errorf("got %v, want none", list)
		}
	})
}
