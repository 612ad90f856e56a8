package driver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// ErrLogin refuses a login, without a word on whether the name or the password
// was wrong (reply 530, RFC 959, section 4.2).
var ErrLogin = errors.New("login incorrect")

// ErrNotFromHere is the ErrLogin of a user who exists, but may not log in from
// that address. It says so to the operator; a client is to see no difference.
var ErrNotFromHere = fmt.Errorf("%w: the user may not log in from this address", ErrLogin)

// Attempt is somebody who wants to log in.
type Attempt struct {
	Name, Password string
	Client         netip.Addr
	// LAN: the client is this host or of its own network.
	LAN bool
}

// Login finds the account of a name and checks its password. It returns
// ErrLogin after a pause when either is wrong, ErrNotFromHere after the same
// when the user may not come from there, ErrBusy when the check would take too
// long to wait for, or what ended ctx when that came first. The user anonymous
// takes any password; "ftp" is the same unless there is a user of that name.
//
// The pause is a second at first, and up to 8 for an address that gets it wrong
// again and again.
func (a *Accounts) Login(ctx context.Context, who Attempt) (*Account, error) {
	origin, book := origin(who.Client), a.book.Load()
	account := book.find(who.Name)
	welcome := account != nil && account.welcomes(who)
	if welcome && account.password == nil {
		return account, nil
	}
	v := a.decoy(book, who.Name)
	if account != nil && account.password != nil {
		v = account.password
	}
	matches, err := a.gate.check(ctx, origin, v, who.Password)
	switch {
	case err != nil:
		return nil, fmt.Errorf("login: %w", err)
	case matches && welcome:
		a.brakes.succeeded(origin)
		return account, nil
	}
	select {
	case <-time.After(a.brakes.failed(origin, time.Now())):
	case <-ctx.Done():
	}
	if account != nil && !welcome {
		return nil, ErrNotFromHere
	}
	return nil, ErrLogin
}

// welcomes tells whether the user may log in from where somebody comes from.
func (a *Account) welcomes(who Attempt) bool {
	return a.allowFrom.empty() || a.allowFrom.names(who.Client, who.LAN)
}
