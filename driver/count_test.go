package driver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnUploadWaitsForTheCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.limited(100)
		if counted, wait := w.ledger.claimCount(); counted || wait != nil {
			t.Fatal("somebody else counts")
		}
		began := time.Now()
		if err := put(h, "/new", overwrite, 1); !errors.Is(err, ErrFileBusy) || time.Since(began) != countPatience {
			t.Errorf("got %v after %s, want busy after %s", err, time.Since(began), countPatience)
		}
		done := make(chan error)
		go func() { done <- put(h, "/new", overwrite, 1) }()
		synctest.Wait()
		if err := w.ledger.count(t.Context(), h.root); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := w.used(); got != worldBytes+1 {
			t.Errorf("used: got %d, want %d", got, worldBytes+1)
		}
	})
}

// TestTheWayThroughADeepFolderIsNoLonger than that through as many side by side,
// however deep a client has nested them: a home is counted on it.
func TestTheWayThroughADeepFolderIsNoLonger(t *testing.T) {
	const depth = 3000
	h := newWorld(t).open(ReadWrite)
	nest(t, h.root, depth)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var all []string
	if err := walk(ctx, h.root, "d", 0, func(local string, _ fs.FileInfo) { all = append(all, local) }); err != nil {
		t.Fatalf("after %d folders of %d: %v", len(all), depth, err)
	}
	if lowest := all[len(all)-1]; len(all) != depth || lowest != strings.Repeat("d/", depth)+"bottom" {
		t.Errorf("got %d names, the last of %d letters, want %d of %d", len(all), len(lowest), depth, 2*depth+len("bottom"))
	}
}

// nest makes folders, each in the one before, and a file in the last.
func nest(t *testing.T, root *os.Root, depth int) {
	t.Helper()
	for range depth {
		if err := root.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := root.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close()
		root = next
	}
	if err := root.WriteFile("bottom", []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestACountThatMayBeWrongIsThrownAway has a file move behind its back.
func TestACountThatMayBeWrongIsThrownAway(t *testing.T) {
	for access, rename := range map[Access]func(h *Home) error{
		ReadWrite:  func(h *Home) error { return h.Rename("/file", "/dir/file") },
		UploadOnly: after(storeNew, move("/new", "/dir/new")),
	} {
		w := newWorld(t)
		h := w.openAs(&Account{Name: "alice", Access: access, files: atomically, quota: 100})
		if err := h.ledger.ready(t.Context(), h.root); err != nil {
			t.Fatal(err)
		}
		before := h.ledger.changes()
		if !h.ledger.correct(worldBytes, before) {
			t.Errorf("%s: a good count is thrown away", access)
		}
		if err := rename(h); err != nil {
			t.Fatal(err)
		}
		if h.ledger.correct(0, before) {
			t.Errorf("%s: a count that missed a file is taken", access)
		}
	}
}

// TestTheCountHoldsWhateverHappens has sessions do all that changes files, at
// once and to the same few, and counts what is there in the end.
func TestTheCountHoldsWhateverHappens(t *testing.T) {
	w := newWorld(t)
	const quota = 100_000
	first := w.limited(quota)
	if err := first.ledger.ready(t.Context(), first.root); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 6 {
		h := w.openAs(&Account{Name: string(rune('a' + i%2)), Access: ReadWrite, files: atomically, quota: quota})
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			name := func() string {
				return []string{"/a", "/b", "/dir/a", "/dir/below", "/tree/a", "/tree/b"}[random.IntN(6)]
			}
			for range 100 {
				change(h, random, name)
				if used := quota - h.ledger.free(quota); used > quota {
					t.Errorf("used: %d bytes of %d", used, quota)
				}
			}
		})
	}
	all.Wait()
	if len(w.ledger.written) > 0 {
		t.Errorf("still written: %d files", len(w.ledger.written))
	}
	if got := w.used(); got > quota {
		t.Errorf("used: %d bytes of %d", got, quota)
	}
}

// change does one of the things that clients do. Most of them may fail.
func change(h *Home, random *rand.Rand, name func() string) {
	switch random.IntN(8) {
	case 0:
		_ = h.Remove(name())
	case 1:
		_ = h.Rename(name(), name())
	case 2:
		_ = h.RemoveAll("/tree")
	case 3, 4:
		_ = h.Mkdir("/tree", 0)
		_ = inPieces(h, name(), random.Int64N(30_000))
	default:
		flags := []int{overwrite, os.O_CREATE, appending}[random.IntN(3)]
		name := name()
		_, _ = h.Stat(name)
		f, err := h.GetHandle(name, os.O_WRONLY|flags, int64(random.IntN(2)*random.IntN(1000)))
		if err != nil {
			return
		}
		if _, err := f.Write(make([]byte, random.IntN(10_000))); err != nil || random.IntN(2) == 0 {
			f.(*File).TransferError(io.ErrUnexpectedEOF)
		}
		_ = f.Close()
	}
}
