package driver

import (
	"context"
	"net/netip"
)

// Lock is a stored password that opens something else than a home, such as the
// status page. Its checks are bounded in memory and number as those of logins
// are. Any goroutine may use it.
type Lock struct {
	password verifier
	gate     *gate
}

// NewLock takes a hash or plain text; see CheckPassword for its errors.
func NewLock(stored string) (*Lock, error) {
	v, err := newVerifier(stored)
	if err != nil {
		return nil, err
	}
	return &Lock{password: v, gate: newGate()}, nil
}

// Opens tells whether the password is the right one. It returns ErrBusy when too
// many ask at a time, or what ended ctx when that came first. Who has asked too
// often is not its business.
func (l *Lock) Opens(ctx context.Context, client netip.Addr, password string) (bool, error) {
	return l.gate.check(ctx, origin(client), l.password, password)
}
