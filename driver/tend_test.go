package driver

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keeper tends the home of a world, in a bubble, until the test ends.
type keeper struct {
	world
	accounts *Accounts
	log      *bytes.Buffer
}

func (w world) tend(quota int64) keeper {
	w.t.Helper()
	var log bytes.Buffer
	files := atomically
	files.Log = slog.New(slog.NewTextHandler(&log, nil))
	accounts, err := NewAccounts([]User{{Name: "alice", Password: cheap, Home: w.home, Access: ReadWrite, Quota: quota}}, files)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	stopped := make(chan struct{})
	go func() { accounts.Tend(ctx); close(stopped) }()
	w.t.Cleanup(func() { stop(); <-stopped })
	w.ledger = accounts.book.Load().find("alice").ledger
	return keeper{w, accounts, &log}
}

func (k keeper) open() *Home {
	k.t.Helper()
	h, err := k.accounts.book.Load().find("alice").Open()
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = h.Close() })
	return h
}

// aged writes a file of some age.
func (w world) aged(name string, age time.Duration) {
	w.t.Helper()
	host := filepath.Join(w.home, name)
	w.write(host, "12345")
	when := time.Now().Add(-age)
	if err := os.Chtimes(host, when, when); err != nil {
		w.t.Fatal(err)
	}
}

func TestPartialsGoWhenTheirTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		old, young, deep := partialName("alice", "old", 0), partialName("alice", "young", 0), "dir/"+partialName("bob", "x", 3)
		foreign := ".natftpd-2-of-a-later-version.part"
		w.aged(old, atomically.KeepPartial+1)
		w.aged(deep, atomically.KeepPartial+1)
		w.aged(young, atomically.KeepPartial-5*time.Minute)
		w.aged(foreign, 1000*time.Hour)
		w.aged("file", 1000*time.Hour)
		k := w.tend(0)
		pass(time.Second)
		if got, want := w.partials(), sorted(young, foreign); !slices.Equal(got, want) {
			t.Errorf("at the start: got %q, want %q", got, want)
		}
		pass(tendInterval)
		if got, want := w.partials(), []string{foreign}; !slices.Equal(got, want) {
			t.Errorf("an hour later: got %q, want %q", got, want)
		}
		w.wantFile(filepath.Join(w.home, "file"), "12345")
		if got := strings.Count(k.log.String(), "interrupted upload removed"); got != 3 {
			t.Errorf("log lines: got %d, want 3 in\n%s", got, k.log)
		}
	})
}

// pass lets time go by, and the homes be looked after meanwhile.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func sorted(names ...string) []string { return slices.Sorted(slices.Values(names)) }

func TestAPartialThatIsWrittenStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.aged(partialName("alice", "file", 0), 1000*time.Hour)
		h := w.openWith(ReadWrite, atomically)
		f, err := h.GetHandle("/file", os.O_WRONLY|os.O_CREATE, 5)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.ledger.tend(t.Context(), w.home); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("6")); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		w.wantFile(filepath.Join(w.home, "file"), "123456")
	})
}

// TestAHomeAtRestIsLeftAlone but is looked after again for an upload that breaks.
func TestAHomeAtRestIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.tend(0)
		pass(time.Second)
		if k.ledger.isDue(time.Now().Add(300 * 24 * time.Hour)) {
			t.Error("it is due though there is nothing to do")
		}
		interrupt(t, k.open(), "/new", "half")
		name := filepath.Join(w.home, w.partials()[0])
		if err := os.Chtimes(name, time.Now(), time.Now()); err != nil { // the disk knows no bubble
			t.Fatal(err)
		}
		pass(atomically.KeepPartial + tendInterval)
		w.wantNoPartials()
	})
}

func TestBytesAreCountedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.tend(100)
		pass(time.Second)
		w.write(filepath.Join(w.home, "by others"), "123456789")
		if got := k.ledger.free(100); got != 100-worldBytes {
			t.Errorf("free: got %d, want %d", got, 100-worldBytes)
		}
		pass(recountInterval + tendInterval)
		if got := k.used(); got != worldBytes+9 {
			t.Errorf("used: got %d, want %d", got, worldBytes+9)
		}
	})
}

func TestAHomeThatIsAwayIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		away := w.home + " away"
		k := w.tend(100)
		pass(time.Second)
		if err := os.Rename(w.home, away); err != nil {
			t.Fatal(err)
		}
		pass(3 * recountInterval)
		if err := os.Rename(away, w.home); err != nil {
			t.Fatal(err)
		}
		pass(3 * recountInterval)
		for _, line := range []string{"home cannot be looked after", "home is looked after again"} {
			if got := strings.Count(k.log.String(), line); got != 1 {
				t.Errorf("%q: got %d lines in\n%s", line, got, k.log)
			}
		}
	})
}

func TestAccountsWithTheSameHomeShareTheCount(t *testing.T) {
	w := newWorld(t)
	alias := filepath.Join(w.folder, "alias")
	if err := os.Symlink(w.home, alias); err != nil {
		t.Fatal(err)
	}
	accounts, err := NewAccounts([]User{
		{Name: "alice", Password: cheap, Home: w.home, Access: ReadWrite, Quota: 100},
		{Name: "bob", Password: cheap, Home: alias, Access: ReadWrite, Quota: 50},
		{Name: "carol", Password: cheap, Home: w.outside, Access: ReadWrite},
	}, atomically)
	if err != nil {
		t.Fatal(err)
	}
	ledger := func(name string) *ledger { return accounts.book.Load().find(name).ledger }
	if ledger("alice") != ledger("bob") || ledger("alice") == ledger("carol") {
		t.Error("the homes are not told apart")
	}
	before := ledger("alice")
	users := []User{{Name: "alice", Password: cheap, Home: w.home, Access: ReadWrite, Quota: 200}}
	if _, err := accounts.Replace(users, atomically); err != nil {
		t.Fatal(err)
	}
	if ledger("alice") != before {
		t.Error("the count is lost when accounts change")
	}
}
