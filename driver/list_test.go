package driver

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestReadDir(t *testing.T) {
	w := newWorld(t)
	w.link("../outside/secret", "out")
	w.link("nowhere", "dangling")
	w.link("dir", "todir")
	w.link("file", "tofile")
	w.link(filepath.Join(w.home, "file"), "absolute")
	for _, name := range []string{"two\nlines", "bell\a", "Ünïcode"} {
		w.write(filepath.Join(w.home, name), "")
	}
	infos, err := w.open(UploadOnly).ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, info := range infos {
		got = append(got, fmt.Sprintf("%c %s", info.Mode().String()[0], info.Name()))
	}
	want := []string{"L absolute", "L dangling", "d dir", "d empty", "- file", "L out", "d todir", "- tofile", "- Ünïcode"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestReadDirOfWhatIsNone(t *testing.T) {
	h := newWorld(t).open(ReadWrite)
	for name, want := range map[string]error{"/file": syscall.ENOTDIR, "/none": fs.ErrNotExist} {
		if _, err := h.ReadDir(name); !errors.Is(err, want) {
			t.Errorf("ReadDir %s: got %v, want %v", name, err, want)
		}
	}
}

func TestALongDirectoryIsListedWhole(t *testing.T) {
	w := newWorld(t)
	for i := range listBatch + 10 {
		w.write(filepath.Join(w.home, "empty", fmt.Sprintf("f%05d", i)), "")
	}
	infos, err := w.open(ReadOnly).ReadDir("/empty")
	if err != nil || len(infos) != listBatch+10 {
		t.Fatalf("got %d entries, %v, want %d", len(infos), err, listBatch+10)
	}
	if first, last := infos[0].Name(), infos[len(infos)-1].Name(); first != "f00000" || last != "f01033" {
		t.Errorf("got %s to %s, want them sorted", first, last)
	}
}

func TestFilesThatVanishDuringAListingAreNoError(t *testing.T) {
	w := newWorld(t)
	fleeting := filepath.Join(w.home, "dir", "fleeting")
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for err == nil {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
				err = errors.Join(os.WriteFile(fleeting, nil, 0o644), os.Remove(fleeting))
			}
		}
		stopped <- err
	}()
	h := w.open(ReadOnly)
	for range 300 {
		if infos, err := h.ReadDir("/dir"); err != nil || len(infos) == 0 || infos[0].Name() != "below" {
			t.Errorf("got %v, %v, want the file that stays", infos, err)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

func TestReaddirInPieces(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a\n", "b\r", "c\x1b"} {
		w.write(filepath.Join(w.home, "empty", name), "")
	}
	w.write(filepath.Join(w.home, "empty", "good"), "")
	dir, err := w.open(ReadOnly).Open("/empty")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(1)
	if err != nil || !slices.Equal(names, []string{"good"}) {
		t.Errorf("first piece: got %q, %v, want the printable name", names, err)
	}
	if names, err = dir.Readdirnames(1); len(names) != 0 || err != io.EOF {
		t.Errorf("second piece: got %q, %v, want io.EOF", names, err)
	}
}

func TestStatNamesWhatWasAskedFor(t *testing.T) {
	w := newWorld(t)
	w.link("dir/below", "link")
	h := w.open(ReadOnly)
	for name, want := range map[string]string{"/": "/", "/dir/": "dir", "/link": "link", "dir/../file": "file"} {
		if info, err := h.Stat(name); err != nil || info.Name() != want {
			t.Errorf("Stat %s: got %v, %v, want %s", name, info, err, want)
		}
	}
}

func TestAvailableSpace(t *testing.T) {
	h := newWorld(t).open(UploadOnly)
	free, err := h.GetAvailableSpace("/dir")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("not known on this system")
	}
	if err != nil || free <= 0 {
		t.Errorf("got %d, %v, want some bytes", free, err)
	}
	if _, err := h.GetAvailableSpace("/none"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/none") {
		t.Errorf("of a missing directory: got %v", err)
	}
}

func TestControlCharactersAreFoundInAnyName(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "plain name": true, "Ünïcode": true, "\xff\xfe": true,
		"tab\t": false, "\x00": false, "delete\x7f": false, "Ü\n": false, "next\u0085line": false, "é\x7f": false,
	} {
		if got := isPrintable(name); got != want {
			t.Errorf("isPrintable(%q): got %t, want %t", name, got, want)
		}
	}
}
