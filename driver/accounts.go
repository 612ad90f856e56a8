package driver

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
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

// Origins are addresses of clients. The zero value is every address.
type Origins struct {
	Prefixes []netip.Prefix
	// LAN: also this host and its own network.
	LAN bool
}

// Account is a user who may log in. It is immutable.
type Account struct {
	Name   string
	Access Access

	home     string
	files    Files
	password verifier // nil: any password will do
}

// Open opens the home for one session, which closes it. The folder is looked up
// anew each time, so a disk that is mounted later is found. The error does not
// name the folder, for it may reach the client.
func (a *Account) Open() (*Home, error) {
	home, err := openHome(a.home, a.Access)
	if err != nil {
		return nil, fmt.Errorf("open home of user %s: %w", a.Name, err)
	}
	return home, nil
}

// Accounts are those who may log in. All methods may be called from several
// goroutines.
type Accounts struct {
	byName   map[string]*Account
	warnings []string
	gate     *gate
}

// NewAccounts checks all users, makes missing homes and prepares the passwords;
// each plain-text one costs a hash. The error tells all mistakes at once.
func NewAccounts(users []User, files Files) (*Accounts, error) {
	a := &Accounts{byName: make(map[string]*Account, len(users))}
	var mistakes []error
	for _, u := range users {
		account, err := newAccount(u, files)
		if err == nil && a.byName[u.Name] != nil {
			err = fmt.Errorf("user %s: written down twice", u.Name)
		}
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		a.byName[u.Name] = account
		if err := account.checkHome(); err != nil {
			a.warnings = append(a.warnings, err.Error())
		}
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	a.gate = newGate(users, a.byName)
	return a, nil
}

// Warnings are sentences for the operator about accounts that work, but less
// than they should.
func (a *Accounts) Warnings() []string { return a.warnings }

func newAccount(u User, files Files) (*Account, error) {
	switch {
	case u.Name == "":
		return nil, errors.New("a user has no name")
	case u.Home == "":
		return nil, fmt.Errorf("user %s: has no home; name a folder", u.Name)
	case !u.Access.valid():
		return nil, fmt.Errorf("user %s: access is %q, not %s, %s or %s", u.Name, u.Access, ReadWrite, ReadOnly, UploadOnly)
	case u.Name == anonymous && u.Password != "":
		return nil, fmt.Errorf("user %s: takes any password; leave the password out or choose another name", u.Name)
	}
	account := &Account{Name: u.Name, Access: u.Access, files: files}
	var err error
	if u.Name != anonymous {
		if account.password, err = newVerifier(u.Password); err != nil {
			return nil, fmt.Errorf("user %s: %w", u.Name, err)
		}
	}
	if account.home, err = makeHome(u.Home); err != nil {
		return nil, fmt.Errorf("home %s of user %s: %w; make it a folder that the server may enter, or name another home", u.Home, u.Name, err)
	}
	return account, nil
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

// checkHome finds a home that an upload is going to fail in.
func (a *Account) checkHome() error {
	if rules[store][a.Access] == no {
		return nil
	}
	if err := checkWritable(a.home); err != nil {
		return fmt.Errorf("home %s of user %s is not writable: %w; give it to the server's user, or set access to %s", a.home, a.Name, err, ReadOnly)
	}
	return nil
}
