package driver

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"runtime/debug"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrLogin refuses a login, without a word on whether the name or the password
// was wrong (reply 530, RFC 959, section 4.2).
var ErrLogin = errors.New("login incorrect")

// wrongPause is how long the answer to a wrong login waits, once for every
// try. It makes guessing slow and hides what is left of differences in time.
const wrongPause = time.Second

// gateMemory bounds the memory of all password checks that run at once, in
// KiB; gateSlots are the shares it is handed out in. A hash of HashPassword
// takes one share, so three logins are checked at a time.
const (
	gateMemory = maxMemory
	gateSlots  = 3
)

// releaseAfter is how long after the last password check its memory is given
// back to the system. The garbage collector would keep it for minutes, and the
// 19 MiB of one argon2id hash are more than all else that an idle server has.
const (
	releaseAfter = 5 * time.Second
	releaseWorth = 1 << 10 // KiB: a hash below this leaves nothing to speak of
)

// gate checks passwords, a bounded number at a time.
type gate struct {
	slots  *semaphore.Weighted
	decoys []verifier // never empty
	seed   maphash.Seed
	// release gives the memory back when nobody logs in any more.
	release *time.Timer
}

// newGate uses the accounts' own passwords as decoys, in the order of the
// configuration.
func newGate(users []User, byName map[string]*Account) *gate {
	g := &gate{slots: semaphore.NewWeighted(gateSlots), seed: maphash.MakeSeed(), release: time.AfterFunc(releaseAfter, debug.FreeOSMemory)}
	for _, u := range users {
		if v := byName[u.Name].password; v != nil {
			g.decoys = append(g.decoys, v)
		}
	}
	if len(g.decoys) == 0 {
		g.decoys = append(g.decoys, newDecoy())
	}
	return g
}

// decoy is what an unknown name is checked against, always the same for the
// same name. It is the password of one of the accounts, whatever its kind and
// cost: so a name that is unknown takes as long as one that is known. The
// outcome is thrown away.
func (g *gate) decoy(name string) verifier {
	return g.decoys[maphash.String(g.seed, name)%uint64(len(g.decoys))]
}

// check waits for its turn, as long as ctx lasts, and checks the password.
func (g *gate) check(ctx context.Context, v verifier, password string) (bool, error) {
	slots := shares(v.memory())
	if err := g.slots.Acquire(ctx, slots); err != nil {
		return false, err
	}
	defer g.slots.Release(slots)
	if v.memory() >= releaseWorth {
		defer g.release.Reset(releaseAfter)
	}
	return v.matches(password), nil
}

// shares is how many slots a check of that many KiB takes, at least one.
func shares(memory uint32) int64 {
	return int64(max(1, (uint64(memory)*gateSlots+gateMemory-1)/gateMemory))
}

// Attempt is somebody who wants to log in.
type Attempt struct {
	Name, Password string
	Client         netip.Addr
	// LAN: the client is this host or of its own network.
	LAN bool
}

// Login finds the account of a name and checks its password. It returns
// ErrLogin after a pause when either is wrong, or what ended ctx when that came
// first. The user anonymous takes any password; "ftp" is the same unless there
// is a user of that name.
func (a *Accounts) Login(ctx context.Context, who Attempt) (*Account, error) {
	account := a.find(who.Name)
	if account != nil && account.password == nil {
		return account, nil
	}
	v := a.gate.decoy(who.Name)
	if account != nil {
		v = account.password
	}
	matches, err := a.gate.check(ctx, v, who.Password)
	switch {
	case err != nil:
		return nil, fmt.Errorf("login: %w", err)
	case matches && account != nil:
		return account, nil
	}
	select {
	case <-time.After(wrongPause):
	case <-ctx.Done():
	}
	return nil, ErrLogin
}

func (a *Accounts) find(name string) *Account {
	account := a.byName[name]
	if account == nil && name == anonymousAlias {
		return a.byName[anonymous]
	}
	return account
}
