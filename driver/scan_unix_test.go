//go:build unix

package driver

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestAnEntryTellsWhatLstatTells(t *testing.T) {
	w := newWorld(t)
	at := func(name string) string { return filepath.Join(w.home, "dir", name) }
	w.link("nowhere", "dir/dangling")
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: at("socket"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	old := time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC)
	err = errors.Join(syscall.Mkfifo(at("fifo"), 0o600), os.Mkdir(at("sticky"), 0o755),
		os.Chmod(at("sticky"), 0o711|fs.ModeSticky|fs.ModeSetgid), os.Chmod(at("below"), 0o451|fs.ModeSetuid), os.Chtimes(at("below"), old, old))
	if err != nil {
		t.Fatal(err)
	}

	entries := w.entries("/dir", false)
	for _, e := range entries {
		info, err := os.Lstat(at(e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if e.Mode() != info.Mode() || e.Size() != info.Size() || !e.ModTime().Equal(info.ModTime()) || e.IsDir() != info.IsDir() {
			t.Errorf("%s: got %v, want %v", e.Name(), fs.FormatFileInfo(&e), fs.FormatFileInfo(info))
		}
		st := info.Sys().(*syscall.Stat_t)
		if got, want := e.Identity(), (Identity{uint64(st.Dev), uint64(st.Ino)}); got != want {
			t.Errorf("%s: got %v, want %v", e.Name(), got, want)
		}
	}
	want := []string{"below", "dangling", "fifo", "socket", "sticky"}
	if got := namesOf(entries); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamesAloneAreTheSameNames(t *testing.T) {
	w := newWorld(t)
	w.link("nowhere", "dangling")
	w.write(filepath.Join(w.home, "two\nlines"), "")
	w.write(filepath.Join(w.home, partialName("alice", "file", 0)), "")
	got, want := namesOf(w.entries("/", true)), []string{"dangling", "dir", "empty", "file"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// entries are all of a directory.
func (w world) entries(name string, namesOnly bool) (all []Entry) {
	w.t.Helper()
	dir, err := w.open(ReadOnly).OpenDir(name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	for err == nil {
		all, err = dir.Entries(all, namesOnly)
	}
	if err != io.EOF {
		w.t.Fatal(err)
	}
	return all
}

// namesOf are their names, sorted.
func namesOf(entries []Entry) (names []string) {
	for i := range entries {
		names = append(names, entries[i].Name())
	}
	slices.Sort(names)
	return names
}
