package cmd

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestATerminalShowsAgainWhatIsTypedAfterAnInterruptedPassword(t *testing.T) {
	keyboard, terminal := openTerminal(t)
	echoes := func() bool {
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return state.Lflag&unix.ECHO != 0
	}
	p := &program{in: terminal, out: t.Output(), err: io.Discard}
	ended := make(chan error, 1)
	go func() { ended <- p.hashPassword() }()
	for echoes() {
		runtime.Gosched()
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v, want that it was interrupted", err)
	}
	if !echoes() {
		t.Error("what is typed is not shown any more")
	}
	fmt.Fprintln(keyboard) // whoever still reads ends
}

// openTerminal is a terminal, and what is typed into it.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip("no terminal here: ", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

// TestAPasswordThatIsNotKeptWhole on a full disk leaves nothing that the next start
// would stumble over. A limit on the size of files stands for the disk.
func TestAPasswordThatIsNotKeptWhole(t *testing.T) {
	state := t.TempDir()
	signal.Ignore(syscall.SIGXFSZ)
	t.Cleanup(func() { signal.Reset(syscall.SIGXFSZ) })
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 5, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	_, shown, kept, err := firstPassword(state)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err != nil || shown == "" || kept != "" {
		t.Fatalf("shown %q, kept in %q, %v; want a password for this run", shown, kept, err)
	}
	if _, err := os.Lstat(filepath.Join(state, "ftp-password")); !os.IsNotExist(err) {
		t.Errorf("a file is left behind: %v", err)
	}
	if _, _, kept, err := firstPassword(state); err != nil || kept == "" {
		t.Errorf("the next start: kept in %q, %v", kept, err)
	}
}
