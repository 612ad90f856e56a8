package model

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	players = 8
	// steps is what each player does, or as much of it as fits in brief.
	steps = 1000
	brief = 8 * time.Second
)

// TestRandomOperationsAgreeWithTheModel lets eight clients change their folders
// and one that they share. NATFTPD_SEED repeats what a failure names; NATLAB_LONG=1
// does all steps.
func TestRandomOperationsAgreeWithTheModel(t *testing.T) {
	t.Run("atomic uploads", func(t *testing.T) { testRandomOperations(t, true) })
	t.Run("direct uploads", func(t *testing.T) { testRandomOperations(t, false) })
}

func testRandomOperations(t *testing.T, atomic bool) {
	s := serve(t, atomic)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("NATFTPD_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("NATFTPD_SEED=%d", seed)
	common := &shared{root: "/shared"}
	s.prepare(t, common.root)
	s.emptied(t)
	before := census(t)

	var group errgroup.Group
	done := make([]int, players)
	end := time.Now().Add(brief)
	for i := range players {
		group.Go(func() error {
			p, err := s.join(seed, i, common)
			if err != nil {
				return err
			}
			defer p.Close()
			for done[i] < steps && (long() || time.Now().Before(end)) {
				if err := p.step(); err != nil {
					return fmt.Errorf("step %d: %w", done[i], err)
				}
				done[i]++
			}
			if err := p.verify(); err != nil {
				return err
			}
			return onDisk(filepath.Join(s.home, p.tree.root), p.tree)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("steps of each client: %v", done)
	s.mustHaveAllPorts(t)
	p, err := s.join(seed, players, common)
	if err != nil {
		t.Fatal(err)
	}
	if err := common.verify(p); err != nil {
		t.Error(err)
	}
	p.Close()
	s.emptied(t)
	before.mustBeAgain(t)
}

// join logs a player in, some by TLS and some with active data connections.
func (s *service) join(seed uint64, i int, common *shared) (*player, error) {
	c, err := s.dial(i%4 == 1, i%4 == 2)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	p := &player{session: c, random: random, atomic: s.atomic, tree: newTree(fmt.Sprintf("/player %d", i)), shared: common}
	return p, c.must("MKD %s", p.tree.root)
}

// prepare makes a folder and lists it: what the server makes once and keeps is
// made then.
func (s *service) prepare(t *testing.T, name string) {
	t.Helper()
	c, err := s.dial(false, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.must("MKD %s", name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.entries(name); err != nil {
		t.Fatal(err)
	}
}

// onDisk compares the model with what really lies in a folder: nothing may be
// left over.
func onDisk(folder string, want *tree) error {
	return filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		known := want.all[path.Join(want.root, filepath.ToSlash(rel))]
		if known == nil || known.dir != d.IsDir() {
			return fmt.Errorf("%s lies on the disk, which the model does not know so", name)
		}
		if known.dir {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return same(name, content, known.content)
	})
}

// mustHaveAllPorts takes every passive port at once.
func (s *service) mustHaveAllPorts(t *testing.T) {
	t.Helper()
	for range passivePorts {
		c, err := s.dial(false, false)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if code, text, err := c.ask("EPSV"); err != nil || code != 229 {
			t.Errorf("EPSV: got %d %s (%v), want a port each for %d sessions", code, text, err, passivePorts)
		}
	}
}

// emptied waits until the server has noticed that every client is gone.
func (s *service) emptied(t *testing.T) {
	t.Helper()
	await(t, func() error {
		if n := s.sessions.Len(); n > 0 {
			return fmt.Errorf("%d sessions stay", n)
		}
		return nil
	})
}

func await(t *testing.T, seen func() error) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		err := seen()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// counted is what a leak would raise.
type counted struct{ goroutines, descriptors, sockets int }

func census(t *testing.T) counted {
	t.Helper()
	c := counted{goroutines: runtime.NumGoroutine()}
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("descriptors cannot be counted here: %v", err)
	}
	for _, d := range all {
		c.descriptors++
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", d.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			c.sockets++
		}
	}
	return c
}

// mustBeAgain waits until there is no more of anything than there was.
func (before counted) mustBeAgain(t *testing.T) {
	t.Helper()
	await(t, func() error {
		now := census(t)
		if now.goroutines > before.goroutines || now.descriptors > before.descriptors || now.sockets > before.sockets {
			return fmt.Errorf("before %+v, now %+v", before, now)
		}
		return nil
	})
}
