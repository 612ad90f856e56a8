package driver

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// threeStrikes bans for a minute after three wrong passwords, and for eight at
// most.
func threeStrikes() BanConfig {
	return BanConfig{Failures: 3, First: time.Minute, Longest: 8 * time.Minute}
}

func newBans(t *testing.T, cfg BanConfig) *Bans {
	t.Helper()
	b, err := NewBans(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fail sends different wrong passwords for alice, and tells how long the last
// of them banned for; zero: not.
func fail(t *testing.T, b *Bans, client netip.Addr, times int) time.Duration {
	t.Helper()
	for i := range times {
		until, banned := b.Failed(Attempt{Name: "alice", Password: fmt.Sprint(time.Now(), i), Client: client})
		switch {
		case banned && i < times-1:
			t.Fatalf("banned by wrong password %d of %d", i+1, times)
		case banned:
			return time.Until(until)
		}
	}
	return 0
}

func TestWhatCountsAsGuessing(t *testing.T) {
	type try struct {
		after          time.Duration
		client         string
		name, password string
	}
	const a, b, right = "192.0.2.1", "192.0.2.2", "the right one"
	tests := map[string]struct {
		tries []try
		want  bool // whether the last one bans
	}{
		"three passwords":                            {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}, {0, a, "alice", "3"}}, true},
		"two passwords":                              {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}}, false},
		"one password for three names":               {[]try{{0, a, "alice", "1"}, {0, a, "bob", "1"}, {0, a, "carol", "1"}}, true},
		"the same again and again":                   {[]try{{0, a, "alice", "1"}, {0, a, "alice", "1"}, {0, a, "alice", "1"}, {0, a, "alice", "1"}}, false},
		"the same again beside two others":           {[]try{{0, a, "alice", "1"}, {0, a, "alice", "1"}, {0, a, "alice", "2"}, {0, a, "alice", "1"}, {0, a, "bob", "3"}}, true},
		"the same all day, and others now and then":  {[]try{{0, a, "alice", "1"}, {guessMemory - 1, a, "alice", "1"}, {1, a, "bob", "2"}, {guessMemory - 1, a, "alice", "1"}, {1, a, "bob", "3"}}, false},
		"name and password are not run together":     {[]try{{0, a, "ab", "c"}, {0, a, "a", "bc"}, {0, a, "abc", ""}}, true},
		"three addresses":                            {[]try{{0, a, "alice", "1"}, {0, b, "alice", "2"}, {0, "192.0.2.3", "alice", "3"}}, false},
		"an address, also mapped to IPv6":            {[]try{{0, a, "alice", "1"}, {0, "::ffff:" + a, "alice", "2"}, {0, a, "alice", "3"}}, true},
		"an IPv6 /64":                                {[]try{{0, "2001:db8::1", "alice", "1"}, {0, "2001:db8::2", "alice", "2"}, {0, "2001:db8::3", "alice", "3"}}, true},
		"three IPv6 /64":                             {[]try{{0, "2001:db8:0:1::1", "alice", "1"}, {0, "2001:db8:0:2::1", "alice", "2"}, {0, "2001:db8:0:3::1", "alice", "3"}}, false},
		"two are forgotten after a while":            {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}, {guessMemory, a, "alice", "3"}}, false},
		"two are remembered for a while":             {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}, {guessMemory - 1, a, "alice", "3"}}, true},
		"a login clears what went before":            {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}, {0, a, "alice", right}, {0, a, "alice", "3"}}, false},
		"a login clears nothing elsewhere":           {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}, {0, b, "alice", right}, {0, a, "alice", "3"}}, true},
		"a login of another user clears nothing":     {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}, {0, a, "anonymous", right}, {0, a, "alice", "3"}}, true},
		"a login clears the user's own part":         {[]try{{0, a, "alice", "1"}, {0, a, "bob", "2"}, {0, a, "alice", right}, {0, a, "bob", "3"}}, false},
		"the exempt prefix":                          {[]try{{0, "10.1.2.3", "alice", "1"}, {0, "10.1.2.3", "alice", "2"}, {0, "10.1.2.3", "alice", "3"}}, false},
		"the exempt prefix, mapped to IPv6":          {[]try{{0, "::ffff:10.1.2.3", "alice", "1"}, {0, "10.1.2.3", "alice", "2"}, {0, "10.1.2.3", "alice", "3"}}, false},
		"an exempt part of an IPv6 /64":              {[]try{{0, "2001:db8:5::1", "alice", "1"}, {0, "2001:db8:5::1", "alice", "2"}, {0, "2001:db8:5::1", "alice", "3"}}, false},
		"the other part of an exempt IPv6 /64":       {[]try{{0, "2001:db8:5::2", "alice", "1"}, {0, "2001:db8:5::2", "alice", "2"}, {0, "2001:db8:5::2", "alice", "3"}}, true},
		"more than enough, and none of it this time": {[]try{{0, a, "alice", "1"}, {0, a, "alice", "2"}, {0, a, "alice", "3"}, {0, a, "alice", "4"}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := threeStrikes()
				cfg.Exempt.Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:5::1/128")}
				bans := newBans(t, cfg)
				var banned bool
				for _, try := range test.tries {
					time.Sleep(try.after)
					who := Attempt{Name: try.name, Password: try.password, Client: netip.MustParseAddr(try.client)}
					if try.password == right {
						bans.Succeeded(who)
					} else {
						_, banned = bans.Failed(who)
					}
				}
				if banned != test.want {
					t.Errorf("banned by the last one: got %v, want %v", banned, test.want)
				}
			})
		})
	}
}

func TestBansGrowAndAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBans(t, threeStrikes())
		steps := []struct {
			what  string
			quiet time.Duration // from the end of the ban before
			want  time.Duration
		}{
			{"the first", 0, 1 * time.Minute},
			{"the second", 0, 2 * time.Minute},
			{"the third, after some quiet", 8*time.Minute - 1, 4 * time.Minute},
			{"the fourth", 0, 8 * time.Minute},
			{"the fifth, as long as any", 0, 8 * time.Minute},
			{"one after a long quiet", 8 * time.Minute, 1 * time.Minute},
			{"one more", 0, 2 * time.Minute},
		}
		for _, step := range steps {
			time.Sleep(step.quiet)
			if _, banned := b.Check(stranger, false); banned {
				t.Errorf("%s: still banned before", step.what)
			}
			if got := fail(t, b, stranger, 3); got != step.want {
				t.Errorf("%s: got %v, want %v", step.what, got, step.want)
			}
			time.Sleep(step.want - 1)
			if until, banned := b.Check(stranger, false); !banned || time.Until(until) != 1 {
				t.Errorf("%s: no longer banned when a moment is left", step.what)
			}
			if _, again := b.Failed(Attempt{Name: "x", Client: stranger}); again {
				t.Errorf("%s: a failure within the ban began another one", step.what)
			}
			time.Sleep(time.Nanosecond)
		}
	})
}

func TestNeighboursAreBannedUnlessTheyAreExempt(t *testing.T) {
	for _, exempt := range []bool{true, false} {
		cfg := threeStrikes()
		cfg.Exempt.LAN = exempt
		b := newBans(t, cfg)
		for i := range 3 {
			b.Failed(Attempt{Name: "alice", Password: fmt.Sprint(i), Client: lanClient, LAN: true})
		}
		if _, banned := b.Check(lanClient, true); banned == exempt {
			t.Errorf("LAN exempt %v: banned %v", exempt, banned)
		}
	}
}

func TestOneAddressIsBannedAndNoOther(t *testing.T) {
	b := newBans(t, threeStrikes())
	fail(t, b, netip.MustParseAddr("2001:db8::1"), 3)
	fail(t, b, stranger, 3)
	for client, want := range map[string]bool{
		"2001:db8::1": true, "2001:db8::ffff:1": true, "2001:db8:0:1::1": false,
		"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.2.2": false,
	} {
		if _, banned := b.Check(netip.MustParseAddr(client), false); banned != want {
			t.Errorf("%s: banned %v, want %v", client, banned, want)
		}
	}
}

func TestABanIsListedAndLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBans(t, threeStrikes())
		six := netip.MustParseAddr("2001:db8::1")
		fail(t, b, six, 3)
		time.Sleep(time.Second)
		fail(t, b, stranger, 3)
		now := time.Now()
		want := fmt.Sprint([]Ban{
			{netip.MustParsePrefix("2001:db8::/64"), now.Add(-time.Second), now.Add(59 * time.Second), 1},
			{netip.MustParsePrefix("192.0.2.1/32"), now, now.Add(time.Minute), 1},
		})
		if got := fmt.Sprint(b.All()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !b.Lift(six) {
			t.Error("nothing to lift")
		}
		if _, banned := b.Check(six, false); banned || len(b.All()) != 1 {
			t.Errorf("after lifting: banned %v, %d bans", banned, len(b.All()))
		}
		if b.Lift(six) || b.Lift(lanClient) {
			t.Error("lifted what was not there")
		}
		fail(t, b, six, 2)
		b.Lift(six)
		if got := fail(t, b, six, 2); got != 0 {
			t.Error("what was wrong before lifting still counts")
		}
		time.Sleep(time.Minute)
		if got := b.All(); len(got) != 0 || b.Lift(stranger) {
			t.Errorf("when it is over: got %v", got)
		}
	})
}

func TestNoBansBanNobody(t *testing.T) {
	var b *Bans
	for range 100 {
		b.Failed(Attempt{Name: "alice", Client: stranger})
	}
	b.Succeeded(Attempt{Name: "alice", Client: stranger})
	if _, banned := b.Check(stranger, false); banned || b.Lift(stranger) || b.All() != nil {
		t.Error("nobody can be banned")
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBans(t, threeStrikes())
		fail(t, b, stranger, 3)
		for i := range maxGuessing + 100 {
			b.Failed(Attempt{Name: "alice", Client: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})})
		}
		if got := b.guessing.order.Len(); got != maxGuessing {
			t.Errorf("addresses remembered: got %d, want %d", got, maxGuessing)
		}
		if _, banned := b.Check(stranger, false); !banned {
			t.Error("a flood of wrong passwords ended a ban")
		}
		time.Sleep(guessMemory)
		b.forget(time.Now())
		if got := b.guessing.order.Len() + b.banned.order.Len(); got != 0 {
			t.Errorf("addresses remembered after a quiet time: got %d, want none", got)
		}
	})
}

func TestBansThatMakeNoSense(t *testing.T) {
	tests := map[string]struct {
		change func(*BanConfig)
		want   string
	}{
		"fewer than no failures":  {func(c *BanConfig) { c.Failures = -1 }, "bans after -1 wrong passwords: want 0 to 1000"},
		"too many failures":       {func(c *BanConfig) { c.Failures = 1001 }, "bans after 1001 wrong passwords: want 0 to 1000"},
		"no time":                 {func(c *BanConfig) { c.First = 0 }, "bans of no time"},
		"longest below the first": {func(c *BanConfig) { c.Longest = time.Second }, "the longest ban of 1s is shorter than the first of 1m0s"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := threeStrikes()
			test.change(&cfg)
			if _, err := NewBans(cfg); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// BenchmarkCheck is what each connection costs while a thousand are banned.
func BenchmarkCheck(b *testing.B) {
	bans, err := NewBans(threeStrikes())
	if err != nil {
		b.Fatal(err)
	}
	for i := range 3000 {
		bans.Failed(Attempt{Name: "alice", Password: fmt.Sprint(i), Client: clientNumber(i % 1000)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, banned := bans.Check(clientNumber(7), false); !banned {
			b.Fatal("not banned")
		}
	}
}

func TestOtherRulesHoldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := clientNumber(1)
		change := func(change func(*BanConfig)) *Bans {
			b := newBans(t, threeStrikes())
			if fail(t, b, client, 3) == 0 {
				t.Fatal("not banned")
			}
			rules := threeStrikes()
			change(&rules)
			if err := b.Change(rules); err != nil {
				t.Fatal(err)
			}
			return b
		}
		holds := func(b *Bans) bool { _, banned := b.Check(client, false); return banned }
		if b := change(func(c *BanConfig) { c.Failures = 5 }); !holds(b) || fail(t, b, clientNumber(2), 4) != 0 {
			t.Error("five strikes: want the ban to stay, and four wrong passwords of another to be borne")
		}
		if b := change(func(c *BanConfig) { c.Exempt.Prefixes = []netip.Prefix{netip.PrefixFrom(client, 32)} }); holds(b) {
			t.Error("the ban of a client that is exempt now holds")
		}
		if b := change(func(c *BanConfig) { c.Failures = 0 }); holds(b) || fail(t, b, client, 9) != 0 {
			t.Error("somebody is banned although nobody is to be")
		}
		if err := newBans(t, threeStrikes()).Change(BanConfig{Failures: 3}); err == nil {
			t.Error("bans of no time are taken")
		}
	})
}
