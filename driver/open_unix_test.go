//go:build unix

package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"golang.org/x/sys/unix"
)

// TestSpecialFilesAreNotTransferred would hang if a FIFO were opened as open(2)
// does by default.
func TestSpecialFilesAreNotTransferred(t *testing.T) {
	w := newWorld(t)
	fifo := filepath.Join(w.home, "fifo")
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(w.home, "sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	w.link("fifo", "link")
	h := w.open(ReadWrite)
	for _, name := range []string{"/fifo", "/sock", "/link"} {
		for call, flags := range map[string]int{"RETR": os.O_RDONLY, "STOR": os.O_WRONLY | overwrite, "APPE": os.O_WRONLY | os.O_CREATE | os.O_APPEND} {
			if _, err := h.GetHandle(name, flags, 0); !errors.Is(err, errNotRegular) {
				t.Errorf("%s %s: got %v, want not a regular file", call, name, err)
			}
		}
		if _, err := h.ReadDir(name); !errors.Is(err, errNotRegular) {
			t.Errorf("list %s: got %v, want not a regular file", name, err)
		}
	}
}

// TestAFIFOPutInPlaceLateDoesNotHang takes the first look away, as a race would.
func TestAFIFOPutInPlaceLateDoesNotHang(t *testing.T) {
	w := newWorld(t)
	if err := unix.Mkfifo(filepath.Join(w.home, "fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	h := w.open(ReadWrite)
	for name, flags := range map[string]int{"read": os.O_RDONLY, "write": os.O_WRONLY, "make": os.O_WRONLY | os.O_CREATE} {
		for _, kind := range []fs.FileMode{0, fs.ModeDir} {
			if _, _, err := openKind(h.root, "fifo", flags, kind); err == nil {
				t.Errorf("%s: a FIFO was opened", name)
			}
		}
	}
}

func TestATreeWithAFIFOIsDeleted(t *testing.T) {
	for _, quota := range []int64{0, 100} {
		w := newWorld(t)
		for _, name := range []string{"fifo", "dir/fifo"} {
			if err := unix.Mkfifo(filepath.Join(w.home, name), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		h := w.limited(quota)
		if err := errors.Join(h.RemoveAll("/fifo"), h.RemoveAll("/dir")); err != nil {
			t.Errorf("quota %d: %v", quota, err)
		}
	}
}

func TestAFullDiskIsToldAsSuch(t *testing.T) {
	for _, full := range []error{unix.ENOSPC, unix.EDQUOT, unix.EFBIG} {
		err := ftpError("write", "/file", fmt.Errorf("wrapped: %w", &fs.PathError{Op: "write", Path: "/srv/secret/file", Err: full}))
		if !errors.Is(err, ftpserver.ErrStorageExceeded) || !errors.Is(err, full) {
			t.Errorf("got %v, want storage exceeded and %v", err, full)
		}
		if want := "write /file: storage limit exceeded: " + full.Error(); err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestTheUmaskDecidesTheModes(t *testing.T) {
	w := newWorld(t)
	probe := filepath.Join(w.outside, "probe") // made by the host with the same wishes
	if err := os.Mkdir(probe, directoryMode); err != nil {
		t.Fatal(err)
	}
	h := w.open(ReadWrite)
	if err := errors.Join(h.Mkdir("/d", 0o700), h.MkdirAll("/e/f", 0o700), storeNew(h)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(probe)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"/d": info.Mode(), "/e/f": info.Mode(), "/new": info.Mode().Perm() & fileMode} {
		if got, err := h.Stat(name); err != nil || got.Mode() != want {
			t.Errorf("mode of %s: got %v, %v, want %v", name, got.Mode(), err, want)
		}
	}
}

func TestChmodKeepsPermissionBitsOnly(t *testing.T) {
	h := newWorld(t).open(ReadWrite)
	if err := h.Chmod("/file", 0o7604|fs.ModeSetuid|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if info, err := h.Stat("/file"); err != nil || info.Mode() != 0o604 {
		t.Errorf("got %v, %v, want 0604", info.Mode(), err)
	}
}
