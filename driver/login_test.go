package driver

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
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

// bcrypted is a hash that is checked fast.
func bcrypted(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func TestLogin(t *testing.T) {
	argon, err := HashPassword("argon's")
	if err != nil {
		t.Fatal(err)
	}
	all := []User{user(t, "argon", argon), user(t, "crypt", bcrypted(t, "crypt's")), user(t, "plain", "plain's"), user(t, anonymous, "")}
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
	number := 0
	for name, test := range tests {
		number++
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				got, err := test.accounts.Login(t.Context(), Attempt{Name: test.name, Password: test.password, Client: clientNumber(number)})
				switch {
				case test.want == "" && err != ErrLogin:
					t.Errorf("got %v, %v, want exactly ErrLogin", got, err)
				case test.want == "" && time.Since(began) != firstPause:
					t.Errorf("refused after %v, want %v", time.Since(began), firstPause)
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
func (s *stub) String() string { return fmt.Sprintf("stub %p", s) }

func (s *stub) matches(string) bool {
	s.calls.Add(1)
	s.running.Add(1)
	defer s.running.Add(-1)
	return s.end != nil && <-s.end
}

// stubbed has one account for each stub: alice and bob.
func stubbed(stubs ...*stub) *Accounts {
	b := &book{byName: make(map[string]*Account)}
	for i, v := range stubs {
		name := []string{"alice", "bob"}[i]
		b.byName[name] = &Account{Name: name, password: v, revoked: new(atomic.Bool)}
		b.decoys = append(b.decoys, v)
	}
	a := &Accounts{gate: newGate(), brakes: newBrakes(), seed: maphash.MakeSeed()}
	a.book.Store(b)
	return a
}

func TestAnUnknownUserCostsTheSameWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"alice", "nobody", "ftp", ""} {
			v := &stub{}
			if _, err := stubbed(v).Login(t.Context(), Attempt{Name: name, Password: "wrong"}); err != ErrLogin {
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
		if _, err := stubbed(v).Login(t.Context(), Attempt{Name: "nobody", Password: "alice's"}); err != ErrLogin {
			t.Errorf("got %v, want ErrLogin", err)
		}
	})
}

func TestTheDecoyOfANameIsAlwaysTheSame(t *testing.T) {
	a := stubbed(&stub{}, &stub{})
	b := a.book.Load()
	used := make(map[verifier]bool)
	for i := range 100 {
		name := fmt.Sprint("name", i)
		first := a.decoy(b, name)
		used[first] = true
		if again := a.decoy(b, name); again != first {
			t.Errorf("%s: another decoy the second time", name)
		}
	}
	if len(used) != 2 {
		t.Errorf("decoys in use for 100 names: got %d, want both passwords", len(used))
	}
}

func TestWhereAUserMayLogInFrom(t *testing.T) {
	office := Origins{Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:7::/48")}}
	tests := map[string]struct {
		from   Origins
		client string
		lan    bool
		want   error
	}{
		"everywhere":                     {Origins{}, "192.0.2.1", false, nil},
		"inside a prefix":                {office, "198.51.100.9", false, nil},
		"inside it, mapped to IPv6":      {office, "::ffff:198.51.100.9", false, nil},
		"inside an IPv6 prefix":          {office, "2001:db8:7:1::1", false, nil},
		"outside of all prefixes":        {office, "192.0.2.1", false, ErrNotFromHere},
		"a neighbour, not written down":  {office, "192.168.7.5", true, ErrNotFromHere},
		"a neighbour, as written down":   {Origins{LAN: true}, "192.168.7.5", true, nil},
		"a stranger, LAN only":           {Origins{LAN: true}, "192.0.2.1", false, ErrNotFromHere},
		"a neighbour by link-local IPv6": {Origins{Prefixes: []netip.Prefix{netip.MustParsePrefix("fe80::/10")}}, "fe80::1%eth0", false, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, u := range []User{user(t, "alice", bcrypted(t, "alice's")), user(t, anonymous, "")} {
					u.AllowFrom = test.from
					who := Attempt{Name: u.Name, Password: "alice's", Client: netip.MustParseAddr(test.client), LAN: test.lan}
					if _, err := accounts(t, u).Login(t.Context(), who); err != test.want {
						t.Errorf("user %s: got %v, want exactly %v", u.Name, err, test.want)
					}
				}
			})
		})
	}
}

func TestAUserFromTheWrongPlaceLooksLikeAWrongPassword(t *testing.T) {
	if !errors.Is(ErrNotFromHere, ErrLogin) {
		t.Error("ErrNotFromHere is no ErrLogin: it would be answered in other words")
	}
	synctest.Test(t, func(t *testing.T) {
		v := &stub{end: make(chan bool, 1)}
		v.end <- true
		a := stubbed(v)
		a.book.Load().byName["alice"].allowFrom = Origins{LAN: true}
		began := time.Now()
		if _, err := a.Login(t.Context(), Attempt{Name: "alice", Client: stranger}); err != ErrNotFromHere {
			t.Errorf("got %v, want ErrNotFromHere", err)
		}
		if got := time.Since(began); got != firstPause {
			t.Errorf("answered after %v, want %v", got, firstPause)
		}
		if got := v.calls.Load(); got != 1 {
			t.Errorf("password checks: got %d, want 1", got)
		}
	})
}

func TestWrongLoginsWaitLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := accounts(t, user(t, "alice", bcrypted(t, "alice's")), user(t, anonymous, ""))
		steps := []struct {
			what   string
			name   string
			right  bool
			client netip.Addr
			before time.Duration // passes first
			want   time.Duration
		}{
			{"the first", "alice", false, stranger, 0, 1 * time.Second},
			{"the second, another name", "bob", false, stranger, 0, 2 * time.Second},
			{"another address", "alice", false, lanClient, 0, 1 * time.Second},
			{"the third", "alice", false, stranger, 0, 4 * time.Second},
			{"the fourth", "alice", false, stranger, 0, 8 * time.Second},
			{"the fifth", "alice", false, stranger, 0, 8 * time.Second},
			{"anonymous", anonymous, true, stranger, 0, 0},
			{"one after anonymous", "alice", false, stranger, 0, 8 * time.Second},
			{"the right one", "alice", true, stranger, 0, 0},
			{"one after the right one", "alice", false, stranger, 0, 1 * time.Second},
			{"one just in time", "alice", false, stranger, pauseMemory - 2*time.Second, 2 * time.Second},
			{"one much later", "alice", false, stranger, pauseMemory, 1 * time.Second},
		}
		for _, step := range steps {
			time.Sleep(step.before)
			password := map[bool]string{true: "alice's"}[step.right]
			began := time.Now()
			_, err := a.Login(t.Context(), Attempt{Name: step.name, Password: password, Client: step.client})
			if got := time.Since(began); got != step.want || (err == nil) != step.right {
				t.Errorf("%s: got %v after %v, want it after %v", step.what, err, got, step.want)
			}
		}
	})
}
