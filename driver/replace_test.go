package driver

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestWhatChangesWhenUsersAreReplaced(t *testing.T) {
	alice, bob := user(t, "alice", cheap), user(t, "bob", cheap)
	other := func(change func(*User)) []User {
		u := alice
		change(&u)
		return []User{u, bob}
	}
	office := Origins{Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
	none := []string(nil)
	tests := map[string]struct {
		users []User
		want  Changes
	}{
		"nothing":          {[]User{alice, bob}, Changes{}},
		"the order":        {[]User{bob, alice}, Changes{}},
		"another user":     {[]User{alice, user(t, "carol", cheap), bob}, Changes{Added: []string{"carol"}}},
		"a user less":      {[]User{alice}, Changes{Removed: []string{"bob"}, Revoked: []string{"bob"}}},
		"another name":     {other(func(u *User) { u.Name = "eve" }), Changes{[]string{"eve"}, []string{"alice"}, none, []string{"alice"}}},
		"the password":     {other(func(u *User) { u.Password = "$2b$04$" + bcryptX }), Changes{none, none, []string{"alice"}, []string{"alice"}}},
		"the home":         {other(func(u *User) { u.Home = t.TempDir() }), Changes{none, none, []string{"alice"}, []string{"alice"}}},
		"the access":       {other(func(u *User) { u.Access = ReadOnly }), Changes{none, none, []string{"alice"}, []string{"alice"}}},
		"the quota":        {other(func(u *User) { u.Quota = 1 }), Changes{none, none, []string{"alice"}, []string{"alice"}}},
		"the origins":      {other(func(u *User) { u.AllowFrom = office }), Changes{none, none, []string{"alice"}, []string{"alice"}}},
		"the start folder": {other(func(u *User) { u.Start = "/in" }), Changes{Changed: []string{"alice"}}},
		"the rate":         {other(func(u *User) { u.MaxRate = 1 }), Changes{Changed: []string{"alice"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := accounts(t, alice, bob)
			before := a.book.Load().byName
			got, err := a.Replace(test.users, Files{})
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			for name, account := range before {
				if want := slices.Contains(test.want.Revoked, name); account.Revoked() != want {
					t.Errorf("account of %s revoked: got %v, want %v", name, account.Revoked(), want)
				}
			}
		})
	}
}

func TestAPasswordInPlainTextIsKnownAgain(t *testing.T) {
	hash, err := HashPassword("one")
	if err != nil {
		t.Fatal(err)
	}
	alice := user(t, "alice", "one")
	a := accounts(t, alice)
	for _, step := range []struct {
		password string
		changed  bool
	}{{"one", false}, {"two", true}, {"two", false}, {hash, true}, {hash, false}, {"one", true}} {
		alice.Password = step.password
		changes, err := a.Replace([]User{alice}, Files{})
		if err != nil || (len(changes.Revoked) > 0) != step.changed {
			t.Errorf("now %s: got %+v, %v, want a change: %v", step.password, changes, err, step.changed)
		}
	}
}

func TestTheUsersInForceStayWhenTheNewOnesAreWrong(t *testing.T) {
	a := accounts(t, user(t, "alice", bcrypted(t, "alice's")))
	changes, err := a.Replace([]User{user(t, "alice", bcrypted(t, "new")), {Name: "bob"}}, Files{})
	if want := "user bob: has no home; name a folder"; err == nil || err.Error() != want || len(changes.Changed) != 0 {
		t.Errorf("got %+v, %v, want no changes, %s", changes, err, want)
	}
	account, err := a.Login(t.Context(), Attempt{Name: "alice", Password: "alice's"})
	if err != nil || account.Revoked() {
		t.Errorf("got %v, revoked, want alice's old password in force", err)
	}
}

func TestNewUsersAreInForceAtOnce(t *testing.T) {
	old := user(t, "alice", bcrypted(t, "old"))
	a := accounts(t, old, user(t, "bob", cheap))
	account, err := a.Login(t.Context(), Attempt{Name: "alice", Password: "old"})
	if err != nil {
		t.Fatal(err)
	}
	changed := old
	changed.Password, changed.Access = bcrypted(t, "new"), ReadOnly
	if _, err := a.Replace([]User{changed}, Files{}); err != nil {
		t.Fatal(err)
	}
	if again, err := a.Login(t.Context(), Attempt{Name: "alice", Password: "new"}); err != nil || again.Access != ReadOnly {
		t.Errorf("got %v, want the new account", err)
	}
	if account.Access != ReadWrite || !account.Revoked() {
		t.Error("the account of a live session changed under it, or is not revoked")
	}
	if a.book.Load().find("bob") != nil {
		t.Error("a removed user is still found")
	}
}

// TestARevocationReachesAccountsOfEarlierChanges follows an account that a
// session has through changes of which only the third concerns it.
func TestARevocationReachesAccountsOfEarlierChanges(t *testing.T) {
	alice := user(t, "alice", cheap)
	a := accounts(t, alice)
	account := a.book.Load().find("alice")
	for i, step := range []struct {
		users []User
		want  bool
	}{
		{[]User{alice, user(t, "bob", cheap)}, false},
		{[]User{alice}, false},
		{nil, true},
		{[]User{alice}, true},
	} {
		if _, err := a.Replace(step.users, Files{}); err != nil {
			t.Fatal(err)
		}
		if got := account.Revoked(); got != step.want {
			t.Errorf("after change %d: revoked %v, want %v", i+1, got, step.want)
		}
	}
	if a.book.Load().find("alice").Revoked() {
		t.Error("the user who is back is revoked")
	}
}

func TestRates(t *testing.T) {
	alice := user(t, "alice", cheap)
	a := accounts(t, alice)
	rates := func(bytesPerSecond int64) *Account {
		t.Helper()
		alice.MaxRate = bytesPerSecond
		if _, err := a.Replace([]User{alice}, Files{}); err != nil {
			t.Fatal(err)
		}
		return a.book.Load().find("alice")
	}
	if got := a.book.Load().find("alice"); got.Download != nil || got.Upload != nil {
		t.Error("no rate was written down, and there is one")
	}
	slow := rates(1 << 20)
	if slow.Download == slow.Upload || slow.Download == nil || slow.Upload == nil {
		t.Error("the directions have not a rate each")
	}
	if got := rates(1 << 20); got.Download != slow.Download || got.Upload != slow.Upload {
		t.Error("the same rate began anew")
	}
	for bytes, burst := range map[int64]int{1: paceLeast, 100_000: paceLeast, 10 << 20: 10 << 20 / paceBurst, 1 << 50: 1<<31 - 1} {
		got := rates(bytes).Download
		if got == slow.Download || float64(got.Limit()) != float64(bytes) || got.Burst() != burst {
			t.Errorf("%d bytes a second: got %v with a burst of %d, want a burst of %d", bytes, got.Limit(), got.Burst(), burst)
		}
	}
	// A second's worth and the burst, and no byte more.
	if limiter, now := rates(1<<20).Upload, time.Now(); !limiter.AllowN(now, limiter.Burst()) || !limiter.AllowN(now.Add(time.Second/paceBurst), limiter.Burst()) || limiter.AllowN(now.Add(time.Second/paceBurst), 1) {
		t.Error("the rate is not kept")
	}
}

func TestUsersAreReplacedWhileOthersLogIn(t *testing.T) {
	alice, bob := user(t, "alice", bcrypted(t, "alice's")), user(t, "bob", cheap)
	a := accounts(t, alice, bob)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 20 {
				if _, err := a.Login(t.Context(), Attempt{Name: "alice", Password: "alice's", Client: clientNumber(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 20 {
		if _, err := a.Replace([]User{alice, bob}[:1+i%2], Files{}); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}
