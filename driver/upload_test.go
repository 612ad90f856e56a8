package driver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// start begins an upload and sends a first piece of it.
func start(t *testing.T, h *Home, name string, flags int, offset int64, piece string) *File {
	t.Helper()
	f, err := h.GetHandle(name, os.O_WRONLY|flags, offset)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := f.Write([]byte(piece)); err != nil {
		t.Fatal(err)
	}
	return f.(*File)
}

// interrupt leaves an upload that broke behind.
func interrupt(t *testing.T, h *Home, name, piece string) {
	t.Helper()
	f := start(t, h, name, overwrite, 0, piece)
	f.TransferError(io.ErrUnexpectedEOF)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// size is what SIZE tells: -1 for nothing.
func size(h *Home, name string) int64 {
	info, err := h.Stat(name)
	if err != nil {
		return -1
	}
	return info.Size()
}

const appending = os.O_CREATE | os.O_APPEND

func TestAnUploadShowsOnlyWhenItIsWhole(t *testing.T) {
	for _, name := range []string{"/file", "/new"} {
		w := newWorld(t)
		h := w.openWith(ReadWrite, atomically)
		before, _ := read(h, name)
		f := start(t, h, name, overwrite, 0, "half")
		if got, _ := read(h, name); got != before {
			t.Errorf("%s during the upload: got %q, want %q", name, got, before)
		}
		if _, err := f.Write([]byte(" and half")); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := read(h, name); got != "half and half" {
			t.Errorf("%s after the upload: got %q, %v", name, got, err)
		}
		if got := size(h, name); got != 13 {
			t.Errorf("SIZE %s: got %d, want 13", name, got)
		}
		w.wantNoPartials()
	}
}

func TestAnEmptyFileIsUploaded(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	f := start(t, h, "/file", overwrite, 0, "")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w.wantFile(filepath.Join(w.home, "file"), "")
}

// TestResuming interrupts an upload of "new content" after "new ", and goes on.
func TestResuming(t *testing.T) {
	tests := map[string]struct {
		name   string
		ask    bool // for the size, first
		flags  int
		offset int64
		rest   string
		want   string
	}{
		"a new file by REST":                        {"/new", true, os.O_CREATE, 4, "content", "new content"},
		"a new file by APPE":                        {"/new", true, appending, 0, "content", "new content"},
		"a new file by APPE, without asking":        {"/new", false, appending, 0, "content", "new content"},
		"an old file by REST":                       {"/file", true, os.O_CREATE, 4, "content", "new content"},
		"an old file by REST, before the end":       {"/file", true, os.O_CREATE, 2, "w content", "new content"},
		"an old file by APPE":                       {"/file", true, appending, 0, "content", "new content"},
		"APPE without asking is for the old file":   {"/file", false, appending, 0, "s", "contents"},
		"REST beyond what arrived, in the old file": {"/file", true, os.O_CREATE, 7, "s", "contents"},
		"from the beginning":                        {"/file", true, overwrite, 0, "other", "other"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.openWith(ReadWrite, atomically)
			before, _ := read(h, test.name)
			interrupt(t, h, test.name, "new ")
			if got, _ := read(h, test.name); got != before {
				t.Errorf("after the interruption: got %q, want %q", got, before)
			}
			h = w.openWith(ReadWrite, atomically)
			if test.ask {
				if got := size(h, test.name); got != 4 {
					t.Errorf("SIZE: got %d, want the 4 bytes that arrived", got)
				}
			}
			if err := start(t, h, test.name, test.flags, test.offset, test.rest).Close(); err != nil {
				t.Fatal(err)
			}
			w.wantFile(filepath.Join(w.home, test.name), test.want)
			if test.want == "new content" && size(h, test.name) != 11 {
				t.Errorf("SIZE afterwards: got %d, want 11", size(h, test.name))
			}
		})
	}
}

func TestPartialsAreHidden(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	interrupt(t, h, "/file", "half")
	interrupt(t, h, "/new", "half")
	found := w.partials()
	if len(found) != 2 {
		t.Fatalf("partials: got %q, want two", found)
	}
	infos, err := h.ReadDir("/")
	var got []string
	for _, info := range infos {
		got = append(got, info.Name())
	}
	if strings.Join(got, " ") != "dir empty file" || err != nil {
		t.Errorf("listed: got %q, %v", got, err)
	}
	if info, err := h.StatWhole("/file"); err != nil || info.Size() != 7 {
		t.Errorf("StatWhole of the old file: got %v, %v, want 7 bytes", info, err)
	}
	if _, err := h.StatWhole("/new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("StatWhole of a file that is not whole: got %v", err)
	}
	everyCall(h, "/"+found[0], func(call string, err error) {
		if err == nil {
			t.Errorf("%s of a partial succeeded", call)
		}
	})
}
