package natdiscovery

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

// journalled makes the story keep a journal.
func journalled(t *testing.T) func(*Config) {
	dir := t.TempDir()
	return func(c *Config) { c.StateDir = dir }
}

func (s *story) store() store { return store(s.cfg.StateDir) }

// dies is kill -9 and a new start, which may want something else.
func (s *story) dies(change ...func(*Config)) {
	for _, c := range change {
		c(&s.cfg)
	}
	s.pending = nil
	s.core, s.wake = newCore(s.cfg, s.store().load(s.cfg.Log)), s.now
}

// after plays on for that long.
func (s *story) after(d time.Duration) Status {
	s.Helper()
	return s.until(s.now.Sub(s.start) + d)
}

func TestNothingIsAskedForBeforeTheJournalHasIt(t *testing.T) {
	for name, slow := range map[string]time.Duration{"at once": 0, "by a slow disk": 2 * time.Second} {
		t.Run("written "+name, func(t *testing.T) {
			s := newStory(t, journalled(t))
			s.slowDisk = slow
			s.router.deny = func(what string, port uint16) error {
				if what != "map" {
					return nil
				}
				for _, r := range s.store().load(s.cfg.Log).mappings {
					if r.mapping.External == port && r.mapping.Internal == netip.AddrPortFrom(lanA, port) {
						return nil
					}
				}
				t.Errorf("port %d is not in the journal", port)
				return nil
			}
			s.until(10 * time.Second)
			s.wants(wanA, Reachable, allPassive)
		})
	}
}

func TestJournalThatCannotBeWrittenStopsNothing(t *testing.T) {
	s := newStory(t, journalled(t))
	good := s.cfg.StateDir
	s.core.cfg.StateDir = filepath.Join(good, "file")
	s.cfg.StateDir = s.core.cfg.StateDir
	if err := os.WriteFile(s.cfg.StateDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	if s.status().Journal == "" {
		t.Error("the Status does not tell")
	}
	if err := os.Remove(s.cfg.StateDir); err != nil {
		t.Fatal(err)
	}
	s.after(2 * diskPause)
	if got := s.status().Journal; got != "" {
		t.Errorf("the Status tells %q, long after it was mended", got)
	}
	if got := len(s.store().load(s.cfg.Log).mappings); got != 11 {
		t.Errorf("mappings in the journal: got %d, want 11", got)
	}
}

func TestQuietHoursWriteNothing(t *testing.T) {
	s := newStory(t, journalled(t))
	s.until(time.Minute)
	before, err := os.Stat(s.store().path())
	if err != nil {
		t.Fatal(err)
	}
	s.until(5 * time.Hour)
	after, err := os.Stat(s.store().path())
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the journal was written again (%v)", err)
	}
}

func TestRestartBeginsWithTheLastAddress(t *testing.T) {
	s := newStory(t, journalled(t))
	s.until(time.Minute)
	s.dies()
	got := s.status()
	if got.External != wanA || got.Source != SourceLastRun || got.Verdict != VerdictLooking {
		t.Errorf("at the start: got %v by %q, %q; want %v by %q", got.External, got.Source, got.Verdict, wanA, SourceLastRun)
	}
	s.router.external, s.reflexive = wanB, wanB
	s.after(3 * time.Second)
	if got := s.status(); got.External != wanB || got.Source == SourceLastRun {
		t.Errorf("after 3 s: got %v by %q, want %v", got.External, got.Source, wanB)
	}
}

func TestTheOperatorsAddressIsNotKept(t *testing.T) {
	s := newStory(t, journalled(t), func(c *Config) { c.ExternalAddress = wanB })
	s.until(time.Minute)
	s.cfg.ExternalAddress = netip.Addr{}
	s.dies()
	if got := s.status(); got.External.IsValid() {
		t.Errorf("at the next start, without the key: got %v by %q", got.External, got.Source)
	}
}

func TestLastAddressIsNoEvidence(t *testing.T) {
	s := newStory(t, journalled(t))
	s.until(time.Minute)
	s.router.off, s.reflexive = true, nobody
	s.dies()
	s.after(time.Minute)
	s.wants(wanA, NoGateway, allPassive)
}

func TestNextStartTakesOver(t *testing.T) {
	t.Run("what it still wants", func(t *testing.T) {
		s := newStory(t, journalled(t))
		s.until(time.Minute)
		s.dies()
		s.after(10 * time.Second)
		s.wants(wanA, Reachable, allPassive)
		if got := s.router.count("unmap", s.start); got != 0 {
			t.Errorf("removals: got %d, want 0", got)
		}
	})
	t.Run("what it wants no more", func(t *testing.T) {
		s := newStory(t, journalled(t))
		s.until(time.Minute)
		s.dies(func(c *Config) { c.ControlPort, c.FirstPassive, c.LastPassive = 2222, 50005, 50010 })
		s.after(10 * time.Second)
		if got := s.router.lists(lanA); got != "2222, 50005-50010" {
			t.Errorf("the router lists %q", got)
		}
	})
	t.Run("at another address of ours", func(t *testing.T) {
		s := newStory(t, journalled(t))
		s.until(time.Minute)
		s.place.Local = lanB
		s.dies(func(c *Config) { c.LastPassive = 50008 })
		s.after(15 * time.Second)
		s.wants(wanA, Reachable, "50000-50008")
		if got := s.router.lists(lanA); got != "" {
			t.Errorf("for the old address the router lists %q", got)
		}
	})
	t.Run("and dies again at once", func(t *testing.T) {
		s := newStory(t, journalled(t))
		s.until(time.Minute)
		for range 8 {
			s.dies(func(c *Config) { c.FirstPassive++; c.LastPassive++ })
			s.after(1200 * time.Millisecond)
		}
		s.dies()
		s.after(time.Minute)
		if got := s.router.lists(lanA); got != "2121, 50008-50017" {
			t.Errorf("the router lists %q", got)
		}
	})
}

func TestRemovalKnowsWhatTheEarlierRunLeft(t *testing.T) {
	s := newStory(t, journalled(t))
	s.until(time.Minute)
	s.dies()
	s.router.deny = denies("map", gateway.ErrRefused, 0, 65535)
	s.after(10 * time.Second)
	if list := s.core.leave(); len(list) != 11 {
		t.Errorf("to be removed: got %d, want 11", len(list))
	}
}

func TestPermanentMappingIsRememberedInOtherNetworks(t *testing.T) {
	s := newStory(t, journalled(t), func(c *Config) { c.Lease = 0 })
	s.until(time.Minute)
	home, place := s.moves(), s.place
	s.after(time.Minute)
	s.dies(func(c *Config) { c.LastPassive = 50004 })
	s.after(time.Minute)
	if got := home.lists(lanA); got != "2121, 50000-50009" {
		t.Fatalf("the router at home lists %q", got)
	}
	place.Router, place.Local = home.device.Address, lanA
	s.router, s.place = home, place
	s.tell(networkChanged{})
	s.after(time.Minute)
	if got := home.lists(lanA); got != "2121, 50000-50004" {
		t.Errorf("back at home the router lists %q", got)
	}
}

func TestEndLeavesAnEmptyJournal(t *testing.T) {
	for name, tt := range map[string]struct {
		dead bool
		want int
	}{"when all was removed": {false, 0}, "but for what is left on a dead router": {true, 11}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dir store
				h := live(t, func(_ *home, c *Config) {
					c.StateDir = t.TempDir()
					dir = store(c.StateDir)
				})
				h.after(time.Minute)
				if tt.dead {
					h.change(func() { h.delay = time.Hour })
				}
				h.stop()
				j := dir.load(failOnLog(t))
				if len(j.mappings) != tt.want || j.external != wanA {
					t.Errorf("got %d mappings and %v, want %d and %v", len(j.mappings), j.external, tt.want, wanA)
				}
			})
		})
	}
}
