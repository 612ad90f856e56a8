package driver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// reboot is the same home in a process that knows nothing of the one before.
func (w world) reboot() *Home {
	w.t.Helper()
	w.ledger = newTestLedger()
	return w.openWith(ReadWrite, atomically)
}

// TestAProcessThatDies stops in the middle of an upload over a file.
func TestAProcessThatDies(t *testing.T) {
	steps := []struct {
		name string
		do   func(f *File) error
		size int64 // of the partial afterwards; -1: none, or an empty one
		want string
	}{
		{"after opening", func(*File) error { return nil }, -1, "content"},
		{"after the first bytes", func(f *File) error { return second2(f.Write([]byte("all "))) }, 4, "content"},
		{"after the last byte", func(f *File) error { return second2(f.Write([]byte("new"))) }, 7, "content"},
		{"before the rename", (*File).seal, 7, "content"},
		{"after the rename", (*File).put, -1, "all new"},
	}
	for i, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			w := newWorld(t)
			f, err := w.openWith(ReadWrite, Files{Atomic: true, KeepPartial: atomically.KeepPartial, Sync: true}).
				GetHandle("/file", os.O_WRONLY|overwrite, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range steps[:i+1] {
				if err := step.do(f.(*File)); err != nil {
					t.Fatal(err)
				}
			}
			h := w.reboot()
			w.wantFile(filepath.Join(w.home, "file"), step.want)
			if step.size == none {
				if step.want == "content" {
					wantSize(t, h, "/file", 7)
				}
				return
			}
			wantSize(t, h, "/file", step.size)
			if err := start(t, h, "/file", os.O_CREATE, step.size, "all new"[step.size:]).Close(); err != nil {
				t.Fatal(err)
			}
			w.wantFile(filepath.Join(w.home, "file"), "all new")
			w.wantNoPartials()
		})
	}
}

func second2(_ int, err error) error { return err }

func TestTwoUploadsOfOneFileAreEachWhole(t *testing.T) {
	for name, other := range map[string]string{"by one account": "alice", "by two accounts": "bob"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			one := w.openWith(ReadWrite, atomically)
			two := w.openAs(&Account{Name: other, Access: ReadWrite, files: atomically})
			first := start(t, one, "/file", overwrite, 0, "first ")
			then := start(t, two, "/file", overwrite, 0, "second ")
			for _, f := range []*File{first, then} {
				if _, err := f.Write([]byte("upload")); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []struct {
				*File
				want string
			}{{then, "second upload"}, {first, "first upload"}} {
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				w.wantFile(filepath.Join(w.home, "file"), f.want)
			}
			w.wantNoPartials()
		})
	}
}

func TestAnUploadUnderWayIsNotResumedByAnotherSession(t *testing.T) {
	w := newWorld(t)
	one, two := w.openWith(ReadWrite, atomically), w.openWith(ReadWrite, atomically)
	f := start(t, one, "/file", overwrite, 0, "half")
	wantSize(t, two, "/file", 7) // that is what it could be sent
	for call, flags := range map[string]int{"REST": os.O_CREATE, "APPE": appending} {
		if _, err := two.GetHandle("/file", os.O_WRONLY|flags, int64(len("half"))); !errors.Is(err, ErrFileBusy) {
			t.Errorf("%s: got %v, want busy", call, err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w.wantFile(filepath.Join(w.home, "file"), "half")
}

// TestManyUploadsOfOneFile has no mixture and nothing left over.
func TestManyUploadsOfOneFile(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			h := w.openWith(ReadWrite, atomically)
			piece := strings.Repeat(string(rune('a'+i)), 1000)
			for range 10 {
				f, err := h.GetHandle("/file", os.O_WRONLY|overwrite, 0)
				if err != nil {
					t.Error(err)
					return
				}
				for range 4 {
					if _, err := f.Write([]byte(piece)); err != nil {
						t.Error(err)
					}
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
				if got, err := read(h, "/file"); err != nil || got != strings.Repeat(got[:1], 4000) {
					t.Errorf("a mixture of %d bytes, %v", len(got), err)
				}
			}
		})
	}
	all.Wait()
	w.wantNoPartials()
	if len(w.ledger.written) > 0 {
		t.Errorf("still counted as written: %d", len(w.ledger.written))
	}
}

func TestAFolderThatMovesUnderAnUpload(t *testing.T) {
	tests := map[string]func(w world, h *Home) error{
		"renamed":               func(_ world, h *Home) error { return h.Rename("/dir", "/moved") },
		"renamed, and made new": func(_ world, h *Home) error { return errors.Join(h.Rename("/dir", "/moved"), h.Mkdir("/dir", 0)) },
		"removed":               func(_ world, h *Home) error { return h.RemoveAll("/dir") },
		"moved out of the home": func(w world, _ *Home) error {
			return os.Rename(filepath.Join(w.home, "dir"), filepath.Join(w.folder, "moved"))
		},
		"put in the place of another by a link": func(w world, h *Home) error {
			return errors.Join(h.Rename("/dir", "/moved"), os.Symlink(w.outside, filepath.Join(w.home, "dir")))
		},
	}
	for name, move := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.openWith(ReadWrite, atomically)
			f := start(t, h, "/dir/below", overwrite, 0, "half")
			if err := move(w, h); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
				t.Errorf("got %v, want that there is no such folder", err)
			}
			for _, folder := range []string{w.home + "/dir", w.home + "/moved", w.folder + "/moved", w.outside} {
				if data, err := os.ReadFile(filepath.Join(folder, "below")); err == nil && string(data) != "deep" {
					t.Errorf("in %s: got %q", folder, data)
				}
			}
		})
	}
}

func TestAnUploadGoesOnWhereItsFolderIsNow(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	f := start(t, h, "/dir/below", overwrite, 0, "half")
	if err := h.Rename("/dir", "/moved"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, errMoved) {
		t.Errorf("got %v, want %v", err, errMoved)
	}
	wantSize(t, h, "/moved/below", 4)
	if err := start(t, h, "/moved/below", os.O_CREATE, 4, " and half").Close(); err != nil {
		t.Fatal(err)
	}
	w.wantFile(filepath.Join(w.home, "moved", "below"), "half and half")
}

func TestATargetThatHasBecomeAFolderStays(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	f := start(t, h, "/new", overwrite, 0, "half")
	if err := h.Mkdir("/new", 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.EISDIR) {
		t.Errorf("got %v, want that it exists", err)
	}
}

func TestAnUploadOnlyAccountReplacesNoFileThatCameMeanwhile(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(UploadOnly, atomically)
	f := start(t, h, "/new", overwrite, 0, "half")
	w.write(filepath.Join(w.home, "new"), "another's")
	if err := f.Close(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want that it exists", err)
	}
	w.wantFile(filepath.Join(w.home, "new"), "another's")
}

func TestABrokenUploadOfNothingLeavesNothing(t *testing.T) {
	tests := map[string]Files{"": atomically, "something": {Atomic: true}} // which keeps none
	for piece, files := range tests {
		w := newWorld(t)
		h := w.openWith(ReadWrite, files)
		interrupt(t, h, "/file", piece)
		interrupt(t, h, "/new", piece)
		w.wantNoPartials()
		w.wantFile(filepath.Join(w.home, "file"), "content")
	}
}

// TestALongFileIsResumedInPlace and not copied first.
func TestALongFileIsResumedInPlace(t *testing.T) {
	w := newWorld(t)
	host := filepath.Join(w.home, "long")
	w.write(host, "")
	if err := os.Truncate(host, resumeCopy+1); err != nil {
		t.Fatal(err)
	}
	h := w.openWith(ReadWrite, atomically)
	for offset, long := range map[int64]bool{resumeCopy: false, resumeCopy + 1: true} {
		f := start(t, h, "/long", os.O_CREATE, offset, "")
		if inPlace := f.upload == nil; inPlace != long {
			t.Errorf("at %d: in place: %t, want %t", offset, inPlace, long)
		}
		f.TransferError(io.ErrUnexpectedEOF)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
