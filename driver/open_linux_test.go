package driver

import (
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestALeasedFileIsWaitedFor has another holder of a file give its lease back
// when the kernel asks for it, as Samba does.
func TestALeasedFileIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	holder, err := os.OpenFile(filepath.Join(w.home, "file"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGIO)
	defer signal.Stop(asked)
	if _, err := unix.FcntlInt(holder.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skipf("no leases on this file system: %v", err)
	}
	released := make(chan error)
	go func() {
		<-asked
		_, err := unix.FcntlInt(holder.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		released <- err
	}()
	if got, err := read(w.open(ReadOnly), "/file"); err != nil || got != "content" {
		t.Errorf("got %q, %v, want the content", got, err)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
}
