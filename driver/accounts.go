package driver

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/time/rate"
)

// anonymous is the name that takes any password; ftp is its old alias
// (RFC 1635).
const (
	anonymous      = "anonymous"
	anonymousAlias = "ftp"
)

// homeMode is the mode of a home that had to be made: nobody else on the host
// needs to see into it.
const homeMode = 0o750

// User is an account as the operator wrote it down.
type User struct {
	Name string
	// Password is an argon2id or bcrypt hash, or plain text. It is empty for
	// the user anonymous, who takes any password, and for nobody else.
	Password string
	// Home is a folder on the host; it is made if it is missing.
	Home   string
	Access Access
	// Start is the folder of the home, as an FTP path, that a session begins
	// in. Empty: the home itself.
	Start string
	// Quota is how many bytes the files of the home may have in all. Zero: no
	// bound.
	Quota int64
	// MaxRate bounds the bytes a second in each direction, of all sessions of
	// the user together. Zero: no bound.
	MaxRate int64
	// AllowFrom is where the user may log in from.
	AllowFrom Origins
}

// Account is a user who may log in, as the operator wrote it down at the time of
// the login.
type Account struct {
	Name   string
	Access Access
	// Download and Upload pace what all sessions of the user move, in bytes a
	// second. nil: nothing does.
	Download, Upload *rate.Limiter

	home      string
	files     Files
	start     string
	quota     int64
	ledger    *ledger // of the home
	maxRate   int64
	allowFrom Origins
	password  verifier // nil: any password will do
	plain     bool     // the password was written down in plain text
	// revoked goes on from one Account to the next as long as the rights do.
	revoked *atomic.Bool
}

// Start is the folder that a session begins in, as a clean absolute FTP path. It
// may be missing.
func (a *Account) Start() string { return a.start }

// Revoked tells whether sessions of this account must not go on: it is gone, or
// it is another one now. Whoever logs somebody in asks once more after
// Session.SetUser: from then on Sessions.EndUsers finds the session.
func (a *Account) Revoked() bool { return a.revoked.Load() }

// Accounts are those who may log in. All methods may be called from several
// goroutines.
type Accounts struct {
	gate   *gate
	brakes *brakes
	seed   maphash.Seed
	book   atomic.Pointer[book]
	change sync.Mutex // one Replace at a time
	homes  *homes
}

// book is who may log in between two changes. It is immutable.
type book struct {
	byName   map[string]*Account
	decoys   []verifier // never empty
	warnings []string
}

// NewAccounts checks all users, makes missing homes and prepares the passwords;
// each plain-text one costs a hash. The error tells all mistakes at once.
func NewAccounts(users []User, files Files) (*Accounts, error) {
	book, err := newBook(users, files, nil)
	if err != nil {
		return nil, err
	}
	a := &Accounts{gate: newGate(), brakes: newBrakes(), seed: maphash.MakeSeed(), homes: newHomes()}
	a.homes.enter(book.byName)
	a.book.Store(book)
	return a, nil
}

// Warnings are sentences for the operator about accounts that work, but less
// than they should.
func (a *Accounts) Warnings() []string { return a.book.Load().warnings }

// newBook takes over from the accounts before what has not changed.
func newBook(users []User, files Files, before map[string]*Account) (*book, error) {
	b := &book{byName: make(map[string]*Account, len(users))}
	var mistakes []error
	for _, u := range users {
		account, err := newAccount(u, files, before[u.Name])
		if err == nil && b.byName[u.Name] != nil {
			err = fmt.Errorf("user %s: written down twice", u.Name)
		}
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		b.byName[u.Name] = account
		if account.password != nil {
			b.decoys = append(b.decoys, account.password)
		}
		b.warnings = append(b.warnings, account.warnings()...)
	}
	if len(b.decoys) == 0 {
		b.decoys = append(b.decoys, newDecoy())
	}
	return b, errors.Join(mistakes...)
}

// find is the account of a name, or nil.
func (b *book) find(name string) *Account {
	account := b.byName[name]
	if account == nil && name == anonymousAlias {
		return b.byName[anonymous]
	}
	return account
}

// decoy is what an unknown name is checked against, always the same for the
// same name. It is the password of one of the accounts, whatever its kind and
// cost: so a name that is unknown takes as long as one that is known. The
// outcome is thrown away.
func (a *Accounts) decoy(b *book, name string) verifier {
	return b.decoys[maphash.String(a.seed, name)%uint64(len(b.decoys))]
}

// newAccount checks a user. before is the account of that name so far, or nil:
// where the password or the rate is still the same, it goes on.
func newAccount(u User, files Files, before *Account) (*Account, error) {
	if err := checkUser(u); err != nil {
		return nil, err
	}
	account := &Account{
		Name: u.Name, Access: u.Access,
		revoked: new(atomic.Bool), files: files, start: path.Clean("/" + u.Start), quota: u.Quota, maxRate: u.MaxRate, allowFrom: u.AllowFrom,
	}
	var err error
	if u.Name != anonymous {
		account.plain = !IsHash(u.Password)
		if account.password, err = keepVerifier(u.Password, before); err != nil {
			return nil, fmt.Errorf("user %s: %w", u.Name, err)
		}
	}
	if before != nil && before.maxRate == u.MaxRate {
		account.Download, account.Upload = before.Download, before.Upload
	} else {
		account.Download, account.Upload = newPace(u.MaxRate), newPace(u.MaxRate)
	}
	if account.home, err = makeHome(u.Home); err != nil {
		return nil, fmt.Errorf("home %s of user %s: %w; make it a folder that the server may enter, or name another home", u.Home, u.Name, err)
	}
	return account, nil
}

func checkUser(u User) error {
	switch {
	case u.Name == "":
		return errors.New("a user has no name")
	case u.Home == "":
		return fmt.Errorf("user %s: has no home; name a folder", u.Name)
	case !u.Access.valid():
		return fmt.Errorf("user %s: access is %q, not %s, %s or %s", u.Name, u.Access, ReadWrite, ReadOnly, UploadOnly)
	case u.Name == anonymous && u.Password != "":
		return fmt.Errorf("user %s: takes any password; leave the password out or choose another name", u.Name)
	case !validStart(u.Start):
		return fmt.Errorf("user %s: start %q is no folder of the home; write it as it is seen from there, for example /photos", u.Name, u.Start)
	case u.Quota < 0:
		return fmt.Errorf("user %s: a quota of %d bytes; write 0 for no bound", u.Name, u.Quota)
	case u.MaxRate < 0:
		return fmt.Errorf("user %s: a rate of %d bytes a second; write 0 for no bound", u.Name, u.MaxRate)
	}
	return nil
}

// validStart takes absolute FTP paths, with no detours, and nothing at all.
func validStart(start string) bool {
	return start == "" || isPrintable(start) && path.Clean(start) == "/"+strings.Trim(start, "/")
}

// paceBurst is the part of a second that a transfer may run ahead of its rate,
// and paceLeast the bytes that it may in any case: less would not fill a few
// packets.
const (
	paceBurst = 4
	paceLeast = 64 << 10
)

func newPace(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond == 0 {
		return nil
	}
	burst := min(max(bytesPerSecond/paceBurst, paceLeast), math.MaxInt32)
	return rate.NewLimiter(rate.Limit(bytesPerSecond), int(burst))
}

// makeHome returns the absolute path of a folder that exists and opens.
func makeHome(folder string) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, homeMode); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	return folder, root.Close()
}

// warnings tell of what is going to fail later.
func (a *Account) warnings() (all []string) {
	if rules[store][a.Access] != no {
		if err := checkWritable(a.home); err != nil {
			all = append(all, fmt.Sprintf("home %s of user %s is not writable: %v; give it to the server's user, or set access to %s", a.home, a.Name, err, ReadOnly))
		}
	}
	if err := a.checkStart(); err != nil {
		all = append(all, fmt.Sprintf("start folder %s of user %s: %v; make it, or sessions begin in /", a.start, a.Name, err))
	}
	return all
}

// checkStart looks for the folder in the same way as a session does.
func (a *Account) checkStart() error {
	if a.start == "/" {
		return nil
	}
	visitor := *a
	visitor.ledger = newLedger(nil) // the home's own comes when the account is in force
	home, err := visitor.Open()
	if err != nil {
		return err
	}
	defer home.Close()
	info, err := home.StatWhole(a.start)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	return bare(err)
}
