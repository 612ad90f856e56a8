package driver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"golang.org/x/sys/unix"
)

// onDisk runs a function that finds a small file system of its own in the place
// of a home. Only this one thread sees it, and ends afterwards.
func onDisk(t *testing.T, options string, do func(w world)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	w := newWorld(t)
	done := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		defer close(done)
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, "")
		}
		if err == nil {
			err = unix.Mount("natftpd-test", w.home, "tmpfs", 0, options)
		}
		if err != nil {
			done <- "no file system here: " + err.Error()
			return
		}
		do(w)
	}()
	switch why := <-done; {
	case why == "":
	case os.Getenv("CI") == "true":
		t.Fatal(why)
	default:
		t.Skip(why)
	}
}

// fill makes a file that takes all the room there is.
func fill(w world, name string) {
	f, err := os.Create(filepath.Join(w.home, name))
	if err != nil {
		w.t.Error(err)
		return
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if err := f.Close(); err != nil {
		w.t.Error(err)
	}
}

// TestAFullDisk leaves the old file as it was, and what fitted of the new one.
func TestAFullDisk(t *testing.T) {
	const large = 100 << 10
	content := make([]byte, large)
	for i := range content {
		content[i] = byte(i % 251)
	}
	onDisk(t, "size=64k", func(w world) {
		w.write(filepath.Join(w.home, "file"), "content")
		fill(w, "full")
		h := w.openWith(ReadWrite, atomically)
		f, err := h.GetHandle("/file", os.O_WRONLY|overwrite, 0)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err = f.Write(content); !errors.Is(err, ftpserver.ErrStorageExceeded) {
			t.Errorf("on a full disk: got %v, want storage exceeded", err)
		}
		f.(*File).TransferError(err)
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		w.wantFile(filepath.Join(w.home, "file"), "content")
		w.wantNoPartials()

		if err := h.Remove("/full"); err != nil {
			t.Error(err)
		}
		f, err = h.GetHandle("/file", os.O_WRONLY|overwrite, 0)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = f.Write(content)
		f.(*File).TransferError(err)
		if err := f.Close(); err != nil || !errors.Is(f.(*File).Broken(), ftpserver.ErrStorageExceeded) {
			t.Errorf("on a disk that fills up: got %v, %v, want storage exceeded", f.(*File).Broken(), err)
		}
		w.wantFile(filepath.Join(w.home, "file"), "content")
		arrived := size(h, "/file")
		if arrived <= 7 || arrived >= large {
			t.Errorf("SIZE: got %d, want what fitted", arrived)
			return
		}
		if err := unix.Mount("", w.home, "", unix.MS_REMOUNT, "size=1M"); err != nil {
			t.Error(err)
		}
		f, err = h.GetHandle("/file", os.O_WRONLY|os.O_CREATE, arrived)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := f.Write(content[arrived:]); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		w.wantFile(filepath.Join(w.home, "file"), string(content))
	})
}

// TestWhatCannotBeLookedAtHidesNothingElse has a mount whose server has died, as that
// of sshfs or rclone does, in a folder.
func TestWhatCannotBeLookedAtHidesNothingElse(t *testing.T) {
	fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip("no mounts of that kind here: " + err.Error())
	}
	defer fuse.Close()
	onDisk(t, "", func(w world) {
		h := w.openAs(&Account{Name: "alice", Access: ReadWrite, files: atomically, quota: 100})
		dead := filepath.Join(w.home, "dead")
		for _, err := range []error{
			os.Mkdir(dead, 0o755),
			unix.Mount("natftpd-test", dead, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fuse.Fd())),
			fuse.Close(),
			put(h, "/file", overwrite, 5),
		} {
			if err != nil {
				t.Error(err)
				return
			}
		}
		all, err := h.ReadDir("/")
		if err != nil || len(all) != 2 || all[0].Name() != "dead" || !all[0].IsDir() || all[1].Size() != 5 {
			t.Errorf("listed: got %v, %v, want a directory and the file", all, err)
		}
		if free, err := h.GetAvailableSpace("/"); free != 95 || err != nil {
			t.Errorf("free: got %d, %v, want 95", free, err)
		}
	})
}
