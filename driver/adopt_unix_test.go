//go:build unix

package driver

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTheUmaskOfFilesAndFolders(t *testing.T) {
	umask := fs.FileMode(0o027)
	for mode, files := range map[string]Files{"direct": {Umask: &umask}, "atomic": {Atomic: true, Umask: &umask}} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			if err := os.Chmod(filepath.Join(w.home, "dir"), 0o755|fs.ModeSetgid); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(w.home, "file"), 0o604); err != nil {
				t.Fatal(err)
			}
			h := w.openWith(ReadWrite, files)
			err := errors.Join(storeNew(h), send("/file", overwrite, 0)(h), h.Mkdir("/d", 0), h.MkdirAll("/e/f", 0), h.Mkdir("/dir/g", 0))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]fs.FileMode{
				"/new": 0o640, "/file": 0o604, "/d": 0o750 | fs.ModeDir, "/e": 0o750 | fs.ModeDir, "/e/f": 0o750 | fs.ModeDir, "/dir/g": 0o750 | fs.ModeDir | fs.ModeSetgid,
			} {
				if info, err := h.Stat(name); err != nil || info.Mode() != want {
					t.Errorf("mode of %s: got %v, %v, want %v", name, info.Mode(), err, want)
				}
			}
		})
	}
}

// TestOwners needs root, and says what becomes of files without.
func TestOwners(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t)
	h := w.openWith(ReadWrite, Files{Atomic: true, Owner: &Owner{UID: 1234, GID: 2345}})
	h.ledger.log = slog.New(slog.NewTextHandler(&log, nil))
	if err := errors.Join(storeNew(h), h.Mkdir("/d", 0)); err != nil {
		t.Fatal(err)
	}
	w.wantFile(filepath.Join(w.home, "new"), "sent")
	if os.Getuid() != 0 {
		if got := strings.Count(log.String(), "could not be set"); got != 1 {
			t.Errorf("warnings: got %d, want 1 in\n%s", got, &log)
		}
		t.Skip("only root can give files away")
	}
	if err := os.Lchown(filepath.Join(w.home, "file"), 3456, 4567); err != nil {
		t.Fatal(err)
	}
	if err := send("/file", overwrite, 0)(h); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Owner{"/new": {1234, 2345}, "/d": {1234, 2345}, "/file": {3456, 4567}} {
		info, err := h.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		if got := (Owner{int(st.Uid), int(st.Gid)}); got != want {
			t.Errorf("owner of %s: got %v, want %v", name, got, want)
		}
	}
}

func TestAReadOnlyFileIsNotReplaced(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("nothing is read-only for root")
	}
	w := newWorld(t)
	for _, name := range []string{"/file", "/dir/below"} {
		if err := os.Chmod(filepath.Join(w.home, name), 0o444); err != nil {
			t.Fatal(err)
		}
		if err := send(name, overwrite, 0)(w.openWith(ReadWrite, atomically)); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: got %v, want permission denied", name, err)
		}
	}
}
