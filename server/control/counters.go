package control

import (
	"maps"
	"sync"
)

// Counters are what the front counts, for whoever looks on. The zero value is
// ready, and any goroutine may read it. What is counted is little and rare: a
// login, a transfer, never a byte or a command.
type Counters struct {
	Logins    Tally[LoginResult]
	Transfers Tally[TransferResult]
	// Arrivals are passive data connections.
	Arrivals Tally[Arrival]
}

// LoginResult is what became of a login.
type LoginResult string

// The results of logins.
const (
	LoginGranted LoginResult = "granted"
	// LoginWrong: name or password, or the place, was wrong.
	LoginWrong LoginResult = "wrong"
	// LoginBanned: it was not looked at, for the address is banned.
	LoginBanned LoginResult = "banned"
	// LoginFailed: too many at a time, or of the user, or no home.
	LoginFailed LoginResult = "failed"
)

// TransferResult is what became of a transfer.
type TransferResult struct {
	// Kind is upload, download or listing; Channel is clear or tls.
	Kind, Channel string
	// Result is complete, failed, aborted or, if there was no data connection,
	// missed.
	Result string
}

// Arrival is whether the client came to the passive port that it was told.
type Arrival struct {
	// Class is Advice.Class.
	Class   string
	Arrived bool
}

// Tally counts things by kind. There are few kinds.
type Tally[K comparable] struct {
	mu     sync.Mutex
	counts map[K]uint64
}

func (t *Tally[K]) add(kind K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[K]uint64)
	}
	t.counts[kind]++
}

// All are the counts so far.
func (t *Tally[K]) All() map[K]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
