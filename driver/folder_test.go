package driver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSessionsOfAHomeShareItsFolder(t *testing.T) {
	w := newWorld(t)
	var homes [8]*Home
	var all sync.WaitGroup
	for i := range homes {
		homes[i] = w.open(ReadWrite)
		all.Go(func() { _ = homes[i].Close() })
	}
	all.Wait()
	first, second := w.open(ReadWrite), w.open(ReadOnly)
	if first.root != second.root {
		t.Error("each session has opened the folder anew")
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Error(err)
	}
	if _, err := first.Stat("/file"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a session that has ended: got %v, want fs.ErrClosed", err)
	}
	if _, err := second.Stat("/file"); err != nil {
		t.Errorf("the session that goes on: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := second.root.Stat("."); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the folder without sessions: got %v, want fs.ErrClosed", err)
	}
}

func TestAFolderThatComesInTheHomesPlaceIsFound(t *testing.T) {
	w := newWorld(t)
	before := w.open(ReadWrite)
	if err := errors.Join(os.Rename(w.home, w.home+"-old"), os.Mkdir(w.home, 0o755)); err != nil {
		t.Skip("not while it is open: ", err) // Windows
	}
	w.write(filepath.Join(w.home, "new"), "")
	after, third := w.open(ReadWrite), w.open(ReadWrite)
	if _, err := after.Stat("/new"); err != nil || after.root != third.root {
		t.Errorf("new sessions: %v, and one folder: %t", err, after.root == third.root)
	}
	if _, err := before.Stat("/file"); err != nil {
		t.Errorf("the session from before: %v", err)
	}
}

func TestAnUploadEndsBeforeItsSession(t *testing.T) {
	w := newWorld(t)
	h, other := w.openWith(ReadWrite, atomically), w.openWith(ReadWrite, atomically)
	f := start(t, h, "/file", os.O_CREATE, 0, "new")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v, want fs.ErrClosed", err)
	}
	if info, err := other.StatWhole("/file"); err != nil || info.Size() != int64(len("content")) {
		t.Errorf("got %v, %v, want the old file", info, err)
	}
}
