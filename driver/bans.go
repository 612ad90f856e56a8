package driver

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// guessMemory is how long a wrong password counts. Sent again, it counts anew
	// only after that.
	guessMemory = time.Hour
	// maxGuessing and maxBanned are how many origins are remembered: some
	// megabytes each. They are apart, so that no flood of wrong passwords makes
	// us forget a ban.
	maxGuessing = 1 << 14
	maxBanned   = 1 << 15
	// mostFailures bounds how many wrong passwords of one origin are remembered.
	mostFailures = 1000
)

// BanConfig says whom wrong passwords keep out, and for how long.
type BanConfig struct {
	// Failures is how many different wrong passwords it takes. Zero: nobody is
	// banned, whatever was before.
	Failures int
	// First is the length of an origin's first ban. Each further one is twice as
	// long, up to Longest.
	First, Longest time.Duration
	// Exempt are never banned. The zero value is nobody.
	Exempt Origins
	// File keeps the bans for the next start. Empty: nothing does.
	File string
	// Log is told of a file that can't be read or written. nil: nobody is.
	Log *slog.Logger
}

// Ban keeps an origin out.
type Ban struct {
	// Clients are an IPv4 address, or an IPv6 /64.
	Clients      netip.Prefix
	Since, Until time.Time
	// Times is how often it was banned, this time included.
	Times int
}

// Bans keep out the origins that guess passwords. nil bans nobody. All methods
// may be called from several goroutines.
//
// What counts is how many different pairs of name and password an origin got
// wrong within an hour. The same pair again and again counts once: it is not
// somebody guessing but a program with an outdated password, and several people
// may share its address. A login clears what was got wrong with the same name.
// Once a ban is over, the origin starts anew; but until it has kept out of
// trouble for as long as the longest ban, the next one is longer.
type Bans struct {
	cfg     BanConfig     // File and Log alone; the rest is in rules
	seed    maphash.Seed  // guesses are kept as hashes that mean nothing to anybody else
	changed chan struct{} // holds a token when the file is behind

	mu       sync.Mutex
	rules    BanConfig
	guessing recent[[]guess]
	banned   recent[Ban]
}

// guess is a wrong password.
type guess struct {
	name uint64 // hash of the name
	pair uint64 // hash of name and password
	at   time.Time
}

// NewBans reads the bans of an earlier run. A damaged file is set aside and
// logged; the error is about a configuration that makes no sense.
func NewBans(cfg BanConfig) (*Bans, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	b := &Bans{
		cfg:      cfg,
		rules:    cfg,
		seed:     maphash.MakeSeed(),
		changed:  make(chan struct{}, 1),
		guessing: newRecent[[]guess](maxGuessing),
		banned:   newRecent[Ban](maxBanned),
	}
	b.load(time.Now())
	return b, nil
}

// check says what makes no sense in cfg.
func (cfg BanConfig) check() error {
	switch {
	case cfg.Failures < 0 || cfg.Failures > mostFailures:
		return fmt.Errorf("bans after %d wrong passwords: want 0 to %d", cfg.Failures, mostFailures)
	case cfg.First <= 0:
		return errors.New("bans of no time")
	case cfg.Longest < cfg.First:
		return fmt.Errorf("the longest ban of %v is shorter than the first of %v", cfg.Longest, cfg.First)
	}
	return nil
}

// Change sets other rules; File and Log stay. Bans that hold last as long as they
// were meant to, unless their clients are exempt now.
func (b *Bans) Change(cfg BanConfig) error {
	if err := cfg.check(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = cfg
	return nil
}

// exempts tells whether a client is never banned.
func (b *Bans) exempts(client netip.Addr, lan bool) bool {
	return b.rules.Failures == 0 || b.rules.Exempt.names(client, lan)
}

// Check tells whether a client is kept out, and until when. lan says that it is
// this host or of its own network.
func (b *Bans) Check(client netip.Addr, lan bool) (until time.Time, banned bool) {
	if b == nil {
		return time.Time{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.exempts(client, lan) {
		return time.Time{}, false
	}
	ban := b.banned.of(origin(client))
	if ban == nil || !time.Now().Before(ban.Until) {
		return time.Time{}, false
	}
	return ban.Until, true
}

// Failed is told of a login with a wrong name or password, or from a wrong
// place. It tells whether that was one too many: banned is true for the failure
// that began the ban, and for no other.
func (b *Bans) Failed(who Attempt) (until time.Time, banned bool) {
	if b == nil {
		return time.Time{}, false
	}
	now, origin := time.Now(), origin(who.Client)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.exempts(who.Client, who.LAN) {
		return time.Time{}, false
	}
	if ban := b.banned.of(origin); ban != nil && now.Before(ban.Until) {
		return ban.Until, false
	}
	guesses := b.guessing.touch(origin)
	*guesses = b.count(*guesses, who, now)
	if len(*guesses) < b.rules.Failures {
		return time.Time{}, false
	}
	b.guessing.forget(origin)
	return b.ban(who.Client, now), true
}

// count adds a guess to those of its origin, which are still of weight.
func (b *Bans) count(guesses []guess, who Attempt, now time.Time) []guess {
	guesses = slices.DeleteFunc(guesses, func(g guess) bool { return g.forgotten(now) })
	pair := maphash.Comparable(b.seed, [2]string{who.Name, who.Password})
	if slices.ContainsFunc(guesses, func(g guess) bool { return g.pair == pair }) {
		return guesses
	}
	return append(guesses, guess{name: maphash.String(b.seed, who.Name), pair: pair, at: now})
}

func (g guess) forgotten(now time.Time) bool { return now.Sub(g.at) >= guessMemory }

// ban begins a ban.
func (b *Bans) ban(client netip.Addr, now time.Time) (until time.Time) {
	ban := b.banned.touch(origin(client))
	if b.worthless(ban, now) {
		ban.Times = 0
	}
	*ban = Ban{Clients: originPrefix(client), Since: now, Until: now.Add(b.length(ban.Times)), Times: ban.Times + 1}
	b.behind()
	return ban.Until
}

// length is how long a ban lasts that comes after some others.
func (b *Bans) length(others int) time.Duration {
	length := b.rules.First
	for range others {
		if length > b.rules.Longest/2 {
			return b.rules.Longest
		}
		length *= 2
	}
	return length
}

// worthless tells whether a ban neither holds nor makes the next one longer.
func (b *Bans) worthless(ban *Ban, now time.Time) bool {
	return now.Sub(ban.Until) >= b.rules.Longest
}

// Succeeded is told of a login. What its origin got wrong with the same name
// was a slip. Other names stay, or whoever has an account, or knows of one that
// takes any password, could guess those of others for ever.
func (b *Bans) Succeeded(who Attempt) {
	if b == nil {
		return
	}
	name, origin := maphash.String(b.seed, who.Name), origin(who.Client)
	b.mu.Lock()
	defer b.mu.Unlock()
	guesses := b.guessing.of(origin)
	if guesses == nil {
		return
	}
	*guesses = slices.DeleteFunc(*guesses, func(g guess) bool { return g.name == name })
	if len(*guesses) == 0 {
		b.guessing.forget(origin)
	}
}

// Lift ends the ban of a client and forgets what it got wrong. It tells whether
// there was a ban.
func (b *Bans) Lift(client netip.Addr) bool {
	if b == nil {
		return false
	}
	origin := origin(client)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.guessing.forget(origin)
	ban := b.banned.of(origin)
	if ban == nil {
		return false
	}
	lifted := time.Now().Before(ban.Until)
	b.banned.forget(origin)
	b.behind()
	return lifted
}

// All are the bans of this moment, the oldest first.
func (b *Bans) All() []Ban {
	if b == nil {
		return nil
	}
	var all []Ban
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.banned.each(func(_ netip.Addr, ban *Ban) {
		if now.Before(ban.Until) {
			all = append(all, *ban)
		}
	})
	return all
}

// forget drops what has no more weight.
func (b *Bans) forget(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.guessing.forgetIf(func(guesses *[]guess) bool {
		return !slices.ContainsFunc(*guesses, func(g guess) bool { return !g.forgotten(now) })
	})
	if b.banned.forgetIf(func(ban *Ban) bool { return b.worthless(ban, now) }) > 0 {
		b.behind()
	}
}

// behind notes that the file is.
func (b *Bans) behind() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}
