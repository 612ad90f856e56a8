package driver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Two clients, and as many as a test needs.
var (
	lanClient = netip.MustParseAddr("192.168.7.5")
	stranger  = netip.MustParseAddr("192.0.2.1")
)

// clientNumber is an address of its own for each number.
func clientNumber(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
}

// cores has the gates of a test take the host for one of so many.
func cores(t *testing.T, n int) {
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// TestPasswordChecksStayWithinTheirMemory counts the checks that run at once,
// for hashes of each cost, each from an address of its own.
func TestPasswordChecksStayWithinTheirMemory(t *testing.T) {
	for _, c := range []struct {
		cores int
		want  map[uint32]int32 // by KiB
	}{
		{1, map[uint32]int32{0: 1, bcryptMemory: 1, owaspMemory: 1, maxMemory: 1}},
		{2, map[uint32]int32{0: 2, bcryptMemory: 2, owaspMemory: 2, 32 << 10: 2, 46 << 10: 1, maxMemory: 1}},
		{8, map[uint32]int32{0: 3, bcryptMemory: 3, owaspMemory: 3, 32 << 10: 2, 46 << 10: 1, maxMemory: 1}},
	} {
		t.Run(fmt.Sprintf("on %d cores", c.cores), func(t *testing.T) {
			cores(t, c.cores)
			for kib, want := range c.want {
				synctest.Test(t, func(t *testing.T) { countChecks(t, kib, want) })
			}
		})
	}
}

func countChecks(t *testing.T, kib uint32, want int32) {
	t.Helper()
	v := &stub{kib: kib, end: make(chan bool)}
	a := stubbed(v)
	for i := range 10 {
		go func() {
			if _, err := a.Login(t.Context(), Attempt{Name: "alice", Client: clientNumber(i)}); err != nil {
				t.Error(err)
			}
		}()
	}
	most := int32(0)
	for range 10 {
		synctest.Wait()
		most = max(most, v.running.Load())
		v.end <- true
	}
	if most != want || uint32(most)*kib > 64<<10 {
		t.Errorf("%d KiB each: %d checks at once, want %d and at most 64 MiB", kib, most, want)
	}
}

// TestWhatChecksLeaveBehindIsCollectedInTime looks at the heap, with real hashes.
func TestWhatChecksLeaveBehindIsCollectedInTime(t *testing.T) {
	cores(t, gateChecks)
	v := &measured{argon2id: newArgon2id("right")}
	v.cost[passesCost] = 1 // the time does not matter
	g := newGate()
	runtime.GC()
	before := heapNow()
	var all sync.WaitGroup
	for i := range gateChecks {
		all.Go(func() {
			for range 4 {
				if _, err := g.check(t.Context(), clientNumber(i), v, "wrong"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	const slack = 2 << 20 // what everything else needs meanwhile
	if got, most := v.most.Load()-before, uint64(gateMemory<<10+slack); got > most || got < owaspMemory<<10 {
		t.Errorf("heap: grew by %d MiB, want at most %d", got>>20, most>>20)
	}
}

// measured is a password that looks at the heap when it is checked.
type measured struct {
	argon2id
	most atomic.Uint64
}

func (m *measured) matches(password string) bool {
	matches := m.argon2id.matches(password)
	for now, most := heapNow(), m.most.Load(); now > most && !m.most.CompareAndSwap(most, now); most = m.most.Load() {
	}
	return matches
}

func TestChecksOfDifferentCostShareTheMemory(t *testing.T) {
	cores(t, gateChecks)
	synctest.Test(t, func(t *testing.T) {
		cheap, costly := &stub{kib: owaspMemory, end: make(chan bool)}, &stub{kib: maxMemory, end: make(chan bool)}
		a := stubbed(cheap, costly)
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				if _, err := a.Login(t.Context(), Attempt{Name: []string{"alice", "bob"}[i%2], Client: clientNumber(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		for range 6 {
			synctest.Wait()
			if c, d := cheap.running.Load(), costly.running.Load(); d > 1 || d == 1 && c > 0 {
				t.Errorf("%d checks of 19 MiB beside %d of 64 MiB", c, d)
			}
			select {
			case cheap.end <- true:
			case costly.end <- true:
			}
		}
		all.Wait()
	})
}

// TestAFloodFromOneAddressKeepsNobodyWaiting has each check take a second: who
// comes from elsewhere waits for what runs already, not for the flood.
func TestAFloodFromOneAddressKeepsNobodyWaiting(t *testing.T) {
	cores(t, gateChecks)
	for kib, want := range map[uint32]time.Duration{owaspMemory: 0, maxMemory: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate()
			flood, cancel := context.WithCancel(t.Context())
			v := &slow{stub{kib: kib}}
			var all sync.WaitGroup
			for i := range 2000 {
				all.Go(func() {
					_, err := g.check(flood, origin(stranger), v, fmt.Sprint("guess", i))
					if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			if got := v.running.Load(); got != 1 {
				t.Errorf("checks at once for one address: got %d, want 1", got)
			}
			if g.waiting != maxWaitingFromOrigin {
				t.Errorf("logins of one address: got %d, want at most %d to wait", g.waiting, maxWaitingFromOrigin)
			}
			began := time.Now()
			if _, err := g.check(t.Context(), origin(lanClient), v, "right"); err != nil {
				t.Error(err)
			}
			if got := time.Since(began) - slowness; got != want {
				t.Errorf("%d KiB: another address waited %v, want %v", kib, got, want)
			}
			cancel()
			all.Wait()
			if len(g.lanes) != 0 || g.waiting != 0 {
				t.Errorf("left over: %d lanes, %d logins", len(g.lanes), g.waiting)
			}
		})
	}
}

const slowness = time.Second

// slow is a check that takes its time.
type slow struct{ stub }

func (s *slow) matches(string) bool {
	s.running.Add(1)
	defer s.running.Add(-1)
	time.Sleep(slowness)
	return false
}

func TestLoginsFromManyAddressesAreServedInTurnOrRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		v := &slow{stub{kib: maxMemory}}
		var all sync.WaitGroup
		began, checked, busy := time.Now(), 0, 0
		var mu sync.Mutex
		for i := range maxWaiting + 10 {
			all.Go(func() {
				_, err := g.check(t.Context(), clientNumber(i), v, "guess")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					checked++
				case errors.Is(err, ErrBusy):
					busy++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most := int(maxWait / slowness); checked < most || checked > most+1 || busy != maxWaiting+10-checked {
			t.Errorf("checked %d, refused %d, want as many as can be within %v", checked, busy, maxWait)
		}
		if got := time.Since(began); got > maxWait+slowness {
			t.Errorf("the last one waited %v, want at most %v", got, maxWait)
		}
	})
}

func TestALoginThatWaitsGivesUpWithItsSession(t *testing.T) {
	for name, second := range map[string]netip.Addr{"behind its own address": stranger, "behind another address": lanClient} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &stub{kib: maxMemory, end: make(chan bool)}
				a := stubbed(v)
				go func() {
					if _, err := a.Login(t.Context(), Attempt{Name: "alice", Client: stranger}); err != nil {
						t.Error(err)
					}
				}()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), maxWait/2)
				defer cancel()
				next := make(chan error)
				time.AfterFunc(maxWait/2+1, func() { // after one has given up
					v.end <- true
					v.end <- true
				})
				time.AfterFunc(time.Second, func() { // behind it
					_, err := a.Login(t.Context(), Attempt{Name: "alice", Client: second})
					next <- err
				})
				if _, err := a.Login(ctx, Attempt{Name: "alice", Client: second}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want deadline exceeded", err)
				}
				if err := <-next; err != nil {
					t.Errorf("the one behind it: %v", err)
				}
			})
		})
	}
}
