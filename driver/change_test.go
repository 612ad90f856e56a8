package driver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestChangesThatMakeNoSense(t *testing.T) {
	tests := map[string]struct {
		try  try
		want error
	}{
		"DELE of a directory":                  {func(h *Home) error { return h.Remove("/empty") }, syscall.EISDIR},
		"DELE of nothing":                      {func(h *Home) error { return h.Remove("/none") }, fs.ErrNotExist},
		"RMD of a file":                        {func(h *Home) error { return h.RemoveDir("/file") }, syscall.ENOTDIR},
		"RMD of a link to a directory":         {func(h *Home) error { return h.RemoveDir("/link") }, syscall.ENOTDIR},
		"RMD of a directory with files":        {func(h *Home) error { return h.RemoveDir("/dir") }, syscall.ENOTEMPTY},
		"MKD of a directory that exists":       {mkdir("/dir"), fs.ErrExist},
		"MKD of the home":                      {mkdir("/"), fs.ErrExist},
		"MKD below a file":                     {mkdir("/file/x"), syscall.ENOTDIR},
		"MKD below nothing":                    {mkdir("/none/x"), fs.ErrNotExist},
		"rename of nothing":                    {move("/none", "/x"), fs.ErrNotExist},
		"rename onto a directory":              {move("/file", "/dir"), fs.ErrExist},
		"rename of a directory onto another":   {move("/dir", "/empty"), fs.ErrExist},
		"rename of a directory into itself":    {move("/dir", "/dir/x"), syscall.EINVAL},
		"rename of a directory onto a file":    {move("/dir", "/file"), syscall.ENOTDIR},
		"rename into a directory that is none": {move("/file", "/none/x"), fs.ErrNotExist},
		"chmod of nothing":                     {func(h *Home) error { return h.Chmod("/none", 0o600) }, fs.ErrNotExist},
		"times of nothing":                     {touch("/none"), fs.ErrNotExist},
		"MkdirAll over a file":                 {func(h *Home) error { return h.MkdirAll("/file", 0) }, fs.ErrExist},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.link("dir", "link")
			if err := test.try(w.open(ReadWrite)); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			w.wantFile(filepath.Join(w.home, "file"), "content")
			w.wantFile(filepath.Join(w.home, "dir", "below"), "deep")
		})
	}
}

func TestDeletingALinkLeavesWhatItPointsTo(t *testing.T) {
	w := newWorld(t)
	w.link("../outside/secret", "out")
	w.link("file", "in")
	w.link("dir", "todir")
	h := w.open(ReadWrite)
	if err := errors.Join(h.Remove("/out"), h.Remove("/in"), h.RemoveAll("/todir")); err != nil {
		t.Fatal(err)
	}
	w.wantOutside()
	w.wantFile(filepath.Join(w.home, "file"), "content")
	w.wantFile(filepath.Join(w.home, "dir", "below"), "deep")
}

func TestARenameErrorNamesTheSideItIsAbout(t *testing.T) {
	h := newWorld(t).open(ReadWrite)
	for want, err := range map[string]error{
		"rename /none: file does not exist": h.Rename("/none", "/x"),
		"rename /dir: file exists":          h.Rename("/file", "/dir"),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestRemovingATreeThatIsNotThereIsFine(t *testing.T) {
	if err := newWorld(t).open(ReadWrite).RemoveAll("/none"); err != nil {
		t.Error(err)
	}
}

func TestChtimesSetsTheTime(t *testing.T) {
	w := newWorld(t)
	want := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := w.open(ReadWrite).Chtimes("/file", want, want); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(w.home, "file")); err != nil || !info.ModTime().Equal(want) {
		t.Errorf("got %v, %v, want %v", info.ModTime(), err, want)
	}
}

// TestANameInOtherLettersIsTheSameFile where the file system has both for one,
// for which a second link stands here.
func TestANameInOtherLettersIsTheSameFile(t *testing.T) {
	for name, h := range map[string]func(world) *Home{
		"read-write":  func(w world) *Home { return w.open(ReadWrite) },
		"upload-only": func(w world) *Home { return w.open(UploadOnly) },
		"quota":       func(w world) *Home { return w.limited(100) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := h(w)
			if err := after(storeNew, func(h *Home) error { return h.root.Link("new", "NEW") })(h); err != nil {
				t.Fatal(err)
			}
			if err := h.ledger.tend(t.Context(), w.home); err != nil {
				t.Fatal(err)
			}
			if err := h.Rename("/new", "/NEW"); err != nil {
				t.Errorf("got %v, want it renamed", err)
			}
			w.wantFile(filepath.Join(w.home, "NEW"), "sent")
			if h.quota > 0 {
				w.used()
			}
		})
	}
}
