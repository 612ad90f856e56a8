package natdiscovery

import (
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

func TestQuietHoursCostLittleAndLoseNothing(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	quiet := s.now
	searches := s.searches
	for at := time.Minute; at < 3*time.Hour; at += 10 * time.Second {
		s.until(at)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Fatalf("at %v the router lists %q", at, got)
		}
		for i := range s.core.ports {
			if age := s.now.Sub(s.core.ports[i].looked); age > 5*time.Minute {
				t.Fatalf("at %v port %d went unconfirmed for %v", at, s.core.ports[i].internal, age)
			}
		}
	}
	if got := s.router.busiest(quiet); got > 12 {
		t.Errorf("busiest minute: got %d requests, want at most 12", got)
	}
	if s.searches != searches {
		t.Errorf("searches in quiet hours: %d", s.searches-searches)
	}
	if got, want := len(s.stunAsked), 3*12+5; got > want {
		t.Errorf("STUN rounds in three hours: got %d, want at most %d", got, want)
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
