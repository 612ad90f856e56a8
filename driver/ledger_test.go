package driver

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// interrupted is a place in which something happens right after a file was made.
type interrupted struct {
	place
	then func()
}

func (p interrupted) OpenFile(name string, flags int, mode fs.FileMode) (*os.File, error) {
	file, err := p.place.OpenFile(name, flags, mode)
	if err == nil && flags&os.O_EXCL != 0 {
		p.then()
	}
	return file, err
}

// TestAPartialHasOneWriter has another session find a partial before the one that
// made it has said so.
func TestAPartialHasOneWriter(t *testing.T) {
	const name = "partial"
	claim := func(t *testing.T, l *ledger, in place) *writer {
		t.Helper()
		w, err := l.claim(in, name, true, noQuota)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	tests := map[string]struct {
		meanwhile func(t *testing.T, l *ledger, in place)
		want      error
	}{
		"nobody came":               {func(*testing.T, *ledger, place) {}, nil},
		"another sends another one": {func(t *testing.T, l *ledger, in place) { openOther(t, l, in) }, nil},
		"another sends it":          {func(t *testing.T, l *ledger, in place) { t.Cleanup(claim(t, l, in).letGo) }, ErrFileBusy},
		"another let it go":         {func(t *testing.T, l *ledger, in place) { claim(t, l, in).letGo() }, nil},
		"another made it whole": {func(t *testing.T, l *ledger, in place) {
			w := claim(t, l, in)
			if err := l.rename(in, name, "target"); err != nil {
				t.Fatal(err)
			}
			w.letGo()
		}, ErrFileBusy},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			h := newWorld(t).open(ReadWrite)
			in := openPlace(t, h.folder, "dir/")
			w, err := h.ledger.claim(interrupted{in, func() { test.meanwhile(t, h.ledger, in) }}, name, true, noQuota)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			w.letGo()
		})
	}
}

// TestNothingIsReplacedWhileAFileIsMade, for a rename that found nothing to count out
// would count a file that has come since for ever.
func TestNothingIsReplacedWhileAFileIsMade(t *testing.T) {
	h := newWorld(t).limited(100)
	s := spot{interrupted{openPlace(t, h.folder, "dir/"), func() {
		if h.ledger.change.TryLock() {
			h.ledger.change.Unlock()
			t.Error("a rename may replace it before anybody knows that it counts")
		}
	}}, "dir/", "new"}
	f, err := h.writeInPlace(target{name: "/dir/new"}, s, os.O_WRONLY, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func openOther(t *testing.T, l *ledger, in place) {
	t.Helper()
	w, err := l.claim(in, "other", true, noQuota)
	if err != nil {
		t.Fatal(err)
	}
	w.letGo()
}

// late is a place in which something comes to a name right after it was looked for.
type late struct {
	place
	then func()
}

func (p late) Lstat(name string) (fs.FileInfo, error) {
	info, err := p.place.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		p.then()
	}
	return info, err
}

func TestARemovalThatFoundNothingTakesNothingAway(t *testing.T) {
	const name = "partial"
	h := newWorld(t).limited(100)
	in := openPlace(t, h.folder, "dir/")
	var came *writer
	err := h.ledger.remove(late{in, func() {
		var err error
		if came, err = h.ledger.claim(in, name, true, noQuota); err != nil {
			t.Fatal(err)
		}
	}}, name)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: got %v, want that there is nothing", err)
	}
	if !came.has(in, name) {
		t.Error("what came meanwhile was taken away, and is counted still")
	}
	came.letGo()
}
