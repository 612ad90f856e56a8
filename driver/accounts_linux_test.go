package driver

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is the user that Linux maps strangers to.
const nobody = 65534

// asNobody runs a function without root's power to write everywhere, when the
// tests have it. Only this one thread changes its user, and ends afterwards.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Geteuid() == 0 {
			runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
				t.Error(errno)
				return
			}
		}
		do()
	}()
	<-done
}

func TestAHomeThatCannotBeWrittenIsWarnedAbout(t *testing.T) {
	home := t.TempDir()
	for _, folder := range []string{filepath.Dir(home), home} {
		if err := os.Chmod(folder, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(home), 0o755) })
	asNobody(t, func() {
		a, err := NewAccounts([]User{
			{Name: "alice", Password: cheap, Home: home, Access: ReadWrite}, {Name: "bob", Password: cheap, Home: home, Access: UploadOnly}, {Name: "carol", Password: cheap, Home: home, Access: ReadOnly},
		}, Files{})
		if err != nil {
			t.Error(err)
			return
		}
		want := []string{
			"home " + home + " of user alice is not writable: permission denied; give it to the server's user, or set access to read-only",
			"home " + home + " of user bob is not writable: permission denied; give it to the server's user, or set access to read-only",
		}
		if got := a.Warnings(); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestAHomeThatCannotBeMadeIsAnError(t *testing.T) {
	parent := t.TempDir()
	for _, folder := range []string{filepath.Dir(parent), parent} {
		if err := os.Chmod(folder, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(parent), 0o755) })
	home := filepath.Join(parent, "alice")
	asNobody(t, func() {
		_, err := NewAccounts([]User{{Name: "alice", Password: cheap, Home: home, Access: ReadWrite}}, Files{})
		want := "home " + home + " of user alice: mkdir " + home + ": permission denied; make it a folder that the server may enter, or name another home"
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}
