package driver

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrBusy refuses a login unseen: too many wait already, or it has waited too
// long (reply 421, RFC 959, section 4.2).
var ErrBusy = errors.New("too many logins at a time")

// gateMemory bounds the memory of all password checks, in KiB; gateSlots are the shares
// it is handed out in. A hash of HashPassword takes two, so three logins are checked at
// a time, and no more than there are cores: on one, checks that take turns push each
// other's memory out of its cache, and none ends sooner.
const (
	gateMemory = maxMemory
	gateSlots  = 6
	gateChecks = 3
)

// Bounds of the logins that wait for their check.
const (
	maxWaiting           = 1024
	maxWaitingFromOrigin = 32
	maxWait              = 20 * time.Second
)

// releaseAfter is how long after the last password check its memory is given
// back to the system. The garbage collector would keep it for minutes, and the
// 19 MiB of one argon2id hash are more than all else that an idle server has.
const (
	releaseAfter = 5 * time.Second
	releaseWorth = 1 << 10 // KiB: a hash below this leaves nothing to speak of
)

// gate checks passwords, a bounded number at a time. Who comes from the same
// origin waits in a lane of its own, and only the first of each lane in the
// queue for the checks: however many logins one address sends, those of another
// wait for one check of its, not for all.
type gate struct {
	slots  *semaphore.Weighted // serves in the order of asking
	least  int64               // slots that each check takes
	budget budget
	// release gives the memory back when nobody logs in any more.
	release *time.Timer

	mu      sync.Mutex
	waiting int // in all lanes
	lanes   map[netip.Addr]*lane
}

// lane is the way in from one origin.
type lane struct {
	logins int           // that are in it; guarded by the gate
	first  chan struct{} // holds the token of the first
}

func newGate() *gate {
	return &gate{
		slots:   semaphore.NewWeighted(gateSlots),
		least:   gateSlots / int64(min(gateChecks, runtime.GOMAXPROCS(0))),
		release: time.AfterFunc(releaseAfter, debug.FreeOSMemory),
		lanes:   make(map[netip.Addr]*lane),
	}
}

// check waits for its turn, as long as ctx lasts, and checks the password.
func (g *gate) check(ctx context.Context, origin netip.Addr, v verifier, password string) (bool, error) {
	lane, err := g.enter(origin)
	if err != nil {
		return false, err
	}
	defer g.leave(origin, lane)
	slots := max(g.least, shares(v.memory()))
	if err := g.turn(ctx, lane, slots); err != nil {
		return false, err
	}
	defer func() { <-lane.first }()
	defer g.slots.Release(slots)
	if kib := v.memory(); kib >= releaseWorth {
		g.budget.begin(kib)
		defer func() {
			g.budget.end(kib)
			g.release.Reset(releaseAfter)
		}()
	}
	return v.matches(password), nil
}

// turn waits until the check may begin.
func (g *gate) turn(ctx context.Context, lane *lane, slots int64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, ErrBusy)
	defer cancel()
	select {
	case lane.first <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if g.slots.Acquire(ctx, slots) != nil {
		<-lane.first
		return context.Cause(ctx)
	}
	return nil
}

func (g *gate) enter(origin netip.Addr) (*lane, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lanes[origin]
	if g.waiting >= maxWaiting || l != nil && l.logins >= maxWaitingFromOrigin {
		return nil, ErrBusy
	}
	if l == nil {
		l = &lane{first: make(chan struct{}, 1)}
		g.lanes[origin] = l
	}
	l.logins++
	g.waiting++
	return l, nil
}

func (g *gate) leave(origin netip.Addr, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
	if l.logins--; l.logins == 0 {
		delete(g.lanes, origin)
	}
}

// shares is how many slots the memory of a check takes, in KiB.
func shares(memory uint32) int64 {
	return int64((uint64(memory)*gateSlots + gateMemory - 1) / gateMemory)
}
