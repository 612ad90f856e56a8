package driver

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// run runs Bans until the function it returns.
func run(t *testing.T, b *Bans) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// banFolder has room for the file of bans, and a log that the test reads.
func banFolder(t *testing.T) (BanConfig, *bytes.Buffer) {
	t.Helper()
	cfg, log := threeStrikes(), new(bytes.Buffer)
	cfg.File = filepath.Join(t.TempDir(), "state", "bans.json")
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	return cfg, log
}

func TestBansOutliveARestart(t *testing.T) {
	cfg, log := banFolder(t)
	six := netip.MustParseAddr("2001:db8::1")
	synctest.Test(t, func(t *testing.T) {
		first := newBans(t, cfg)
		stop := run(t, first)
		fail(t, first, stranger, 3)
		time.Sleep(time.Minute)
		if got := fail(t, first, stranger, 3); got != 2*time.Minute {
			t.Fatalf("second ban: got %v, want 2m", got)
		}
		fail(t, first, six, 3)
		fail(t, first, lanClient, 2)
		stop()

		second := newBans(t, cfg)
		defer run(t, second)()
		if got, want := fmt.Sprint(listed(second)), fmt.Sprint(listed(first)); got != want || len(second.All()) != 2 {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := fail(t, second, lanClient, 1); got != 0 {
			t.Error("wrong passwords outlived the restart")
		}
		time.Sleep(2 * time.Minute)
		if got := fail(t, second, stranger, 3); got != 4*time.Minute {
			t.Errorf("third ban: got %v, want 4m", got)
		}
	})
	if log.Len() > 0 {
		t.Errorf("logged %s", log)
	}
	info, err := os.Stat(cfg.File)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("file: got %v, %v, want it to be ours alone", info, err)
	}
	if list, _ := os.ReadDir(filepath.Dir(cfg.File)); len(list) != 1 {
		t.Errorf("the folder has %v, want the file alone", list)
	}
}

// listed are the bans in whole seconds of no zone.
func listed(b *Bans) (all []bannedRow) {
	for _, ban := range b.All() {
		all = append(all, bannedRow(ban).rounded())
	}
	return all
}

func TestTheFileIsWrittenSoonAndNotAllTheTime(t *testing.T) {
	cfg, _ := banFolder(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBans(t, cfg)
		defer run(t, b)()
		for i := range 100 {
			fail(t, b, clientNumber(i), 3)
			time.Sleep(time.Millisecond)
		}
		if _, err := os.Stat(cfg.File); !os.IsNotExist(err) {
			t.Errorf("written at once: %v", err)
		}
		time.Sleep(saveDelay)
		synctest.Wait()
		first := contentOf(t, cfg.File)
		if got := strings.Count(first, `"clients"`); got != 100 {
			t.Errorf("bans in the file: got %d, want 100", got)
		}
		b.Lift(clientNumber(7))
		time.Sleep(saveDelay)
		synctest.Wait()
		if got := strings.Count(contentOf(t, cfg.File), `"clients"`); got != 99 {
			t.Errorf("bans in the file after one was lifted: got %d, want 99", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := contentOf(t, cfg.File); strings.Contains(got, "clients") {
			t.Errorf("after a quiet time: got %s, want no bans", got)
		}
	})
}

func TestTheFileIsForPeopleToo(t *testing.T) {
	cfg, _ := banFolder(t)
	synctest.Test(t, func(t *testing.T) { // where it is midnight, 1 January 2000
		b := newBans(t, cfg)
		stop := run(t, b)
		fail(t, b, stranger, 3)
		stop()
	})
	want := `{
	"version": 1,
	"bans": [
		{
			"clients": "192.0.2.1/32",
			"since": "2000-01-01T00:00:00Z",
			"until": "2000-01-01T00:01:00Z",
			"times": 1
		}
	]
}`
	if got := contentOf(t, cfg.File); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestADamagedFileIsSetAside(t *testing.T) {
	row := func(text string) string { return `{"version": 1, "bans": [{` + text + `}]}` }
	const since, until = `"since": "2026-01-01T00:00:00Z"`, `"until": "2026-01-02T00:00:00Z"`
	tests := map[string]struct{ file, want string }{
		"empty":                      {"", "unexpected end of JSON input"},
		"cut off":                    {`{"version": 1, "bans": [{"cl`, "unexpected end of JSON input"},
		"something else":             {"<html>", "invalid character"},
		"another version":            {`{"version": 2}`, "version 2, only 1 is known"},
		"not an address":             {row(`"clients": "home", ` + since + "," + until + `, "times": 1`), "no '/'"},
		"no address":                 {row(since + "," + until + `, "times": 1`), "neither an IPv4 address nor an IPv6 /64"},
		"the whole internet":         {row(`"clients": "0.0.0.0/0", ` + since + "," + until + `, "times": 1`), "neither an IPv4 address nor an IPv6 /64"},
		"an address within a /64":    {row(`"clients": "2001:db8::1/64", ` + since + "," + until + `, "times": 1`), "neither an IPv4 address nor an IPv6 /64"},
		"an IPv4 address in IPv6":    {row(`"clients": "::ffff:192.0.2.1/128", ` + since + "," + until + `, "times": 1`), "neither an IPv4 address nor an IPv6 /64"},
		"it ends before it began":    {row(`"clients": "192.0.2.1/32", "since": "2026-01-03T00:00:00Z", ` + until + `, "times": 1`), "banned 1 times"},
		"times that were never seen": {row(`"clients": "192.0.2.1/32", "since": "0000-01-01T00:00:00Z", ` + until + `, "times": 1`), "banned 1 times"},
		"never banned":               {row(`"clients": "192.0.2.1/32", ` + since + "," + until + `, "times": 0`), "banned 0 times"},
		"too large":                  {strings.Repeat(" ", banFileLimit+1), "larger than 8388608 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, log := banFolder(t)
			fileWith(t, cfg.File, test.file)
			if got := newBans(t, cfg).All(); len(got) != 0 {
				t.Errorf("bans: got %v, want none", got)
			}
			if !strings.Contains(log.String(), "bans of an earlier run cannot be read") || !strings.Contains(log.String(), test.want) {
				t.Errorf("logged %s, want %s", log, test.want)
			}
			if got := contentOf(t, cfg.File+".broken"); got != test.file {
				t.Errorf("set aside: got %.100s, want the file", got)
			}
		})
	}
}

func TestAWrongClockMakesNoBanEndless(t *testing.T) {
	cfg, _ := banFolder(t)
	fileWith(t, cfg.File, `{"version": 1, "bans": [
		{"clients": "192.0.2.1/32", "since": "2999-01-01T00:00:00Z", "until": "9999-12-31T23:59:59-12:00", "times": 9},
		{"clients": "192.0.2.2/32", "since": "1999-12-31T00:00:00Z", "until": "1999-12-31T23:52:00Z", "times": 9}]}`)
	synctest.Test(t, func(t *testing.T) {
		b := newBans(t, cfg)
		if until, banned := b.Check(stranger, false); !banned || time.Until(until) != cfg.Longest {
			t.Errorf("banned for %v, want for %v", time.Until(until), cfg.Longest)
		}
		if got := b.banned.order.Len(); got != 1 {
			t.Errorf("bans remembered: got %d, want 1: the other has no more weight", got)
		}
		if _, err := b.encode(); err != nil {
			t.Error(err)
		}
	})
}

func TestAFileThatCannotBeWrittenIsSaidOnce(t *testing.T) {
	cfg, log := banFolder(t)
	fileWith(t, cfg.File, `{"version": 1, "bans": []}`)
	synctest.Test(t, func(t *testing.T) {
		b := newBans(t, cfg)
		defer run(t, b)()
		obstacle := cfg.File + ".new"
		if err := os.Mkdir(obstacle, 0o700); err != nil {
			t.Fatal(err)
		}
		fail(t, b, stranger, 3)
		time.Sleep(10 * saveDelay)
		synctest.Wait()
		if got := strings.Count(log.String(), "bans cannot be kept"); got != 1 {
			t.Errorf("said %d times, want once: %s", got, log)
		}
		if err := os.Remove(obstacle); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * saveDelay)
		synctest.Wait()
		if got := contentOf(t, cfg.File); !strings.Contains(got, "192.0.2.1/32") {
			t.Errorf("when it can be written again: got %s", got)
		}
	})
}

func fileWith(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func contentOf(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// FuzzBanFile holds that whatever is accepted bans single addresses only, for a
// bounded time, and can be written again.
func FuzzBanFile(f *testing.F) {
	f.Add([]byte(`{"version": 1, "bans": [{"clients": "192.0.2.1/32", "since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "times": 1}]}`))
	f.Add([]byte(`{"version": 1, "bans": [{"clients": "2001:db8::/64", "since": "9999-12-31T00:00:00-12:00", "until": "9999-12-31T23:59:59-12:00", "times": 9}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		bans, err := decodeBans(data)
		if err != nil {
			return
		}
		b := newBans(t, threeStrikes())
		b.adopt(bans, time.Now())
		for _, ban := range b.All() {
			if length := time.Until(ban.Until); length > b.rules.Longest || ban.Clients != originPrefix(ban.Clients.Addr()) {
				t.Errorf("%v for %v", ban.Clients, length)
			}
		}
		encoded, err := b.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeBans(encoded); err != nil {
			t.Fatal(err)
		}
	})
}
