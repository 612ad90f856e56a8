package driver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// kernelFolder is the home of w, where the kernel resolves names by itself.
func kernelFolder(t *testing.T, w world) *folder {
	t.Helper()
	f, err := openFolder(w.home, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.close() })
	if f.start == nil {
		t.Skip("no openat2(2)")
	}
	return f
}

// TestTheKernelRefusesByItself what leads out, not only os.Root after it.
func TestTheKernelRefusesByItself(t *testing.T) {
	w := newWorld(t)
	for name, target := range map[string]string{"outside": "../outside", "absolute": w.home + "/dir", "inside": "dir"} {
		w.link(target, name)
	}
	f := kernelFolder(t, w)
	for dir, want := range map[string]bool{"inside/": true, "outside/": false, "absolute/": false, "..": false, "dir/../..": false, w.home: false} {
		p, err := openBeneath(f.start, dir)
		if (err == nil) != want {
			t.Errorf("%s: got %v, want it open: %t", dir, err, want)
		}
		if err == nil {
			_ = p.Close()
		}
	}
}

// TestAPlaceRenamesWithoutReplacing a folder's, and the home itself.
func TestAPlaceRenamesWithoutReplacing(t *testing.T) {
	for dir, name := range map[string]string{"dir/": "below", "": "file"} {
		w := newWorld(t)
		w.link(name, dir+"link")
		p := openPlace(t, kernelFolder(t, w), dir)
		if err := renameNoReplace(p, "link", name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over a file: got %v", err)
		}
		for _, out := range []string{"..", "", "../file", w.outside + "/secret"} {
			if err := renameNoReplace(p, out, "new"); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("from %q: got %v", out, err)
			}
			if err := renameNoReplace(p, name, out); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("to %q: got %v", out, err)
			}
		}
		before, err := os.ReadFile(filepath.Join(w.home, dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := renameNoReplace(p, name, "new"); err != nil {
			t.Error(err)
		}
		w.wantFile(filepath.Join(w.home, dir, "new"), string(before))
		w.wantOutside()
	}
}

// TestMountsAreEnteredAndMagicLinksAreNot goes through /proc.
func TestMountsAreEnteredAndMagicLinksAreNot(t *testing.T) {
	if _, err := os.Stat("/proc/self/root"); err != nil {
		t.Skip(err)
	}
	inBothWays(t, func(t *testing.T, open func(home string) *folder) {
		f := open("/")
		for dir, want := range map[string]bool{"proc/": true, "proc/self/fdinfo/": true, "proc/self/cwd/": false, "proc/self/root/": false} {
			p, err := f.place(dir)
			if (err == nil) != want {
				t.Errorf("%s: got %v, want it open: %t", dir, err, want)
			}
			if err == nil {
				wantPlace(t, p, "/"+dir)
			}
		}
	})
}

func TestNoDescriptorIsLeftOpen(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	everyCall(h, "/dir/below", func(string, error) {}) // what only the first ones need
	w = newWorld(t)
	h = w.openWith(ReadWrite, atomically)
	before := descriptors(t)
	for _, name := range []string{"/dir/below", "/dir/none", "/none/below", "/dir/below/x", "/dir", "/"} {
		everyCall(h, name, func(string, error) {})
	}
	if after := descriptors(t); after != before {
		t.Errorf("got %d, want the %d from before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestClosingAFileTellsNothingOnLocalDisksOnly(t *testing.T) {
	for dir, want := range map[string]bool{"/dev/shm": true, "/proc": false} {
		f, err := os.Open(dir)
		if err != nil {
			t.Skip(err)
		}
		defer f.Close()
		if st, err := statfs(f); err != nil || want && st.Type != unix.TMPFS_MAGIC {
			t.Skip("nothing known of ", dir, err)
		}
		if got := closesSilently(f); got != want {
			t.Errorf("%s: got %t, want %t", dir, got, want)
		}
	}
}

// TestAFolderThatIsNotToBeListedTakesUploads has one of those that people drop
// things into: it may be entered and written, not read. os.Root needs to read it.
func TestAFolderThatIsNotToBeListedTakesUploads(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	if os.Getuid() == 0 || h.folder.start == nil {
		t.Skip("root reads everything, and so must os.Root")
	}
	dir := filepath.Join(w.home, "dir")
	if err := os.Chmod(dir, 0o300); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	if err := sendAt(h, "/dir/new", overwrite, 0); err != nil {
		t.Fatal(err)
	}
	w.wantFile(filepath.Join(dir, "new"), "sent")
}
