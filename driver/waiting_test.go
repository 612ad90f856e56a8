package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// wantSize checks what SIZE tells; -1 is that there is nothing.
func wantSize(t *testing.T, h *Home, name string, want int64) {
	t.Helper()
	if got := size(h, name); got != want {
		t.Errorf("SIZE %s: got %d, want %d", name, got, want)
	}
}

func TestNobodyIsToldOneSizeAndSentAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.openWith(ReadWrite, atomically)
		interrupt(t, h, "/file", "new ")
		if got, err := read(h, "/file"); got != "content" {
			t.Errorf("RETR, not told anything: got %q, %v, want the old file", got, err)
		}
		wantSize(t, h, "/file", 4)
		if _, err := read(h, "/file"); !errors.Is(err, ErrUploadWaiting) {
			t.Errorf("RETR, told of the partial: got %v, want %v", err, ErrUploadWaiting)
		}
		wantSize(t, h, "/file", 7)
		wantSize(t, w.openWith(ReadWrite, atomically), "/file", 7)
		if got, err := read(h, "/file"); got != "content" {
			t.Errorf("RETR, asked again: got %q, %v, want the old file", got, err)
		}
		time.Sleep(askedFor)
		wantSize(t, h, "/file", 4)
	})
}

func TestOnlyWhoSentItIsToldOfAPartial(t *testing.T) {
	w := newWorld(t)
	account := func(name string, access Access) *Home {
		return w.openAs(&Account{Name: name, Access: access, files: atomically})
	}
	interrupt(t, account("alice", ReadWrite), "/file", "half")
	interrupt(t, account("alice", UploadOnly), "/new", "half")
	guest := account(anonymous, ReadWrite)
	interrupt(t, guest, "/guest", "half")
	tests := map[string]struct {
		who              *Home
		file, new, guest int64
	}{
		"the same account":             {account("alice", ReadWrite), 4, 4, -1},
		"the same account, read-only":  {account("alice", ReadOnly), 7, -1, -1},
		"another account":              {account("bob", ReadWrite), 7, -1, -1},
		"the same session of a guest":  {guest, 7, -1, 4},
		"another session of the guest": {account(anonymous, ReadWrite), 7, -1, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantSize(t, test.who, "/file", test.file)
			wantSize(t, test.who, "/new", test.new)
			wantSize(t, test.who, "/guest", test.guest)
		})
	}
}

func TestADownloadOfAnIncompleteFileFindsNothing(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	interrupt(t, h, "/new", "half")
	wantSize(t, h, "/new", 4)
	for _, err := range []error{second(read(h, "/new")), h.Rename("/new", "/other"), touch("/new")(h)} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want file does not exist", err)
		}
	}
}

func second(_ string, err error) error { return err }

// TestAnAppendGoesWhereTheClientThinks has somebody else change what a session
// was told of.
func TestAnAppendGoesWhereTheClientThinks(t *testing.T) {
	w := newWorld(t)
	first, other := w.openWith(ReadWrite, atomically), w.openWith(ReadWrite, atomically)
	interrupt(t, first, "/file", "new ")
	wantSize(t, first, "/file", 4)
	if err := start(t, other, "/file", overwrite, 0, "whole, and longer").Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := first.GetHandle("/file", os.O_WRONLY|appending, 0); !errors.Is(err, errGone) {
		t.Errorf("APPE to what another session has finished: got %v, want %v", err, errGone)
	}
	w.wantFile(w.home+"/file", "whole, and longer")
	wantSize(t, first, "/file", 17)
	if err := start(t, first, "/file", appending, 0, "!").Close(); err != nil {
		t.Fatal(err)
	}
	w.wantFile(w.home+"/file", "whole, and longer!")
}

func TestDeletingAnIncompleteUpload(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	for _, name := range []string{"/file", "/new"} {
		interrupt(t, h, name, "half")
		if err := h.Remove(name); err != nil {
			t.Errorf("DELE %s: %v", name, err)
		}
		wantSize(t, h, name, -1)
		if err := h.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("DELE %s again: got %v", name, err)
		}
	}
	w.wantNoPartials()
}

func TestRemovingFoldersWithIncompleteUploads(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	interrupt(t, h, "/empty/new", "half")
	interrupt(t, h, "/dir/new", "half")
	if err := h.RemoveDir("/empty"); err != nil {
		t.Errorf("RMD of a folder with nothing else in it: %v", err)
	}
	if err := h.RemoveDir("/dir"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("RMD of a folder with a file in it: got %v, want not empty", err)
	}
	wantSize(t, h, "/dir/new", 4)
	if err := h.Mkdir("/busy", 0); err != nil {
		t.Fatal(err)
	}
	f := start(t, h, "/busy/new", overwrite, 0, "half")
	if err := h.RemoveDir("/busy"); !errors.Is(err, ErrFileBusy) {
		t.Errorf("RMD of a folder with an upload under way: got %v, want busy", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	w.wantFile(w.home+"/busy/new", "half")
}

func TestWhatASessionWasToldIsBounded(t *testing.T) {
	var told told
	for i := range maxTold + 1 {
		told.add(fmt.Sprint(i), 1)
	}
	if told.size("0") != none || told.size("1") != 1 || len(told.files) != maxTold {
		t.Errorf("got %d names, want the last %d", len(told.files), maxTold)
	}
	l := newLedger(nil)
	for i := range 2 * maxAsked {
		l.ask("alice", fmt.Sprint(i))
	}
	if len(l.asked) > maxAsked || !l.isAsked("alice", fmt.Sprint(2*maxAsked-1)) {
		t.Errorf("got %d names, want at most %d and the last", len(l.asked), maxAsked)
	}
}
