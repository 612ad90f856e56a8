package driver

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// user is an account with a home of its own.
func user(t *testing.T, name, password string) User {
	t.Helper()
	return User{Name: name, Password: password, Home: t.TempDir(), Access: ReadWrite}
}

func accounts(t *testing.T, users ...User) *Accounts {
	t.Helper()
	a, err := NewAccounts(users, Files{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLogin(t *testing.T) {
	argon, err := HashPassword("argon's")
	if err != nil {
		t.Fatal(err)
	}
	crypt, err := bcrypt.GenerateFromPassword([]byte("crypt's"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	all := []User{user(t, "argon", argon), user(t, "crypt", string(crypt)), user(t, "plain", "plain's"), user(t, anonymous, "")}
	withAnonymous := accounts(t, all...)
	argonOnly := accounts(t, all[0])
	anonymousOnly := accounts(t, all[3])
	withFTP := accounts(t, user(t, "ftp", "own"), all[3])
	tests := map[string]struct {
		accounts       *Accounts
		name, password string
		want           string // name of the account; empty: refused
	}{
		"argon2id":                               {withAnonymous, "argon", "argon's", "argon"},
		"bcrypt":                                 {withAnonymous, "crypt", "crypt's", "crypt"},
		"plain text":                             {withAnonymous, "plain", "plain's", "plain"},
		"anonymous with an address":              {withAnonymous, "anonymous", "me@example.org", "anonymous"},
		"anonymous with nothing":                 {withAnonymous, "anonymous", "", "anonymous"},
		"ftp is anonymous":                       {withAnonymous, "ftp", "x", "anonymous"},
		"a wrong password for argon2id":          {withAnonymous, "argon", "plain's", ""},
		"a wrong password for bcrypt":            {withAnonymous, "crypt", "argon's", ""},
		"a wrong password for plain text":        {withAnonymous, "plain", "Plain's", ""},
		"no password":                            {withAnonymous, "plain", "", ""},
		"the hash itself as password":            {withAnonymous, "argon", argon, ""},
		"an unknown user":                        {withAnonymous, "nobody", "plain's", ""},
		"a name in other letters":                {withAnonymous, "Plain", "plain's", ""},
		"no name":                                {withAnonymous, "", "plain's", ""},
		"ftp when nobody is anonymous":           {argonOnly, "ftp", "x", ""},
		"anonymous when nobody is":               {argonOnly, "anonymous", "x", ""},
		"ftp as a user of its own":               {withFTP, "ftp", "own", "ftp"},
		"ftp as a user, with another password":   {withFTP, "ftp", "x", ""},
		"an unknown user when all are anonymous": {anonymousOnly, "alice", "", ""},
		"nobody has an account":                  {accounts(t), "alice", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				got, err := test.accounts.Login(t.Context(), Attempt{Name: test.name, Password: test.password})
				switch {
				case test.want == "" && err != ErrLogin:
					t.Errorf("got %v, %v, want exactly ErrLogin", got, err)
				case test.want == "" && time.Since(began) != wrongPause:
					t.Errorf("refused after %v, want %v", time.Since(began), wrongPause)
				case test.want != "" && (err != nil || got.Name != test.want):
					t.Errorf("got %v, %v, want user %s", got, err, test.want)
				case test.want != "" && time.Since(began) != 0:
					t.Errorf("let in after %v, want at once", time.Since(began))
				}
			})
		})
	}
}

// stub is a password check whose end the test decides.
type stub struct {
	kib     uint32
	running atomic.Int32
	calls   atomic.Int32
	end     chan bool // nil: at once, and wrong
}

func (s *stub) memory() uint32 { return s.kib }

func (s *stub) matches(string) bool {
	s.calls.Add(1)
	s.running.Add(1)
	defer s.running.Add(-1)
	return s.end != nil && <-s.end
}

// stubbed is one account, alice, whose password is the stub.
func stubbed(t *testing.T, v *stub) *Accounts {
	t.Helper()
	account := &Account{Name: "alice", password: v}
	byName := map[string]*Account{"alice": account}
	return &Accounts{byName: byName, gate: newGate([]User{{Name: "alice"}}, byName)}
}

func TestAnUnknownUserCostsTheSameWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"alice", "nobody", "ftp", ""} {
			v := &stub{}
			if _, err := stubbed(t, v).Login(t.Context(), Attempt{Name: name, Password: "wrong"}); err != ErrLogin {
				t.Errorf("%q: got %v, want ErrLogin", name, err)
			}
			if got := v.calls.Load(); got != 1 {
				t.Errorf("%q: password checks: got %d, want 1", name, got)
			}
		}
	})
}

func TestAnUnknownUserIsNotLetInByTheDecoysPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &stub{end: make(chan bool, 1)}
		v.end <- true
		if _, err := stubbed(t, v).Login(t.Context(), Attempt{Name: "nobody", Password: "alice's"}); err != ErrLogin {
			t.Errorf("got %v, want ErrLogin", err)
		}
	})
}

func TestFewPasswordsAreCheckedAtOnce(t *testing.T) {
	for kib, want := range map[uint32]int32{0: 3, bcryptMemory: 3, owaspMemory: 3, 32 << 10: 1, maxMemory: 1} {
		synctest.Test(t, func(t *testing.T) {
			v := &stub{kib: kib, end: make(chan bool)}
			a := stubbed(t, v)
			for range 10 {
				go func() {
					if _, err := a.Login(t.Context(), Attempt{Name: "alice", Password: "right"}); err != nil {
						t.Error(err)
					}
				}()
			}
			for range 10 {
				synctest.Wait()
				if got := v.running.Load(); got > want {
					t.Errorf("%d KiB each: %d checks at once, want at most %d", kib, got, want)
				}
				v.end <- true
			}
		})
	}
}

func TestALoginThatWaitsGivesUpWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &stub{kib: maxMemory, end: make(chan bool)}
		a := stubbed(t, v)
		go func() {
			if _, err := a.Login(t.Context(), Attempt{Name: "alice", Password: "right"}); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := a.Login(ctx, Attempt{Name: "alice", Password: "right"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want deadline exceeded", err)
		}
		v.end <- true
	})
}

func TestTheDecoyOfANameIsAlwaysTheSame(t *testing.T) {
	byName := map[string]*Account{"a": {password: &stub{}}, "b": {password: &stub{}}, anonymous: {}}
	g := newGate([]User{{Name: "a"}, {Name: anonymous}, {Name: "b"}}, byName)
	used := make(map[verifier]bool)
	for i := range 100 {
		name := fmt.Sprint("name", i)
		first := g.decoy(name)
		used[first] = true
		if again := g.decoy(name); again != first {
			t.Errorf("%s: another decoy the second time", name)
		}
	}
	if len(used) != 2 {
		t.Errorf("decoys in use for 100 names: got %d, want both passwords", len(used))
	}
}
