//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pollPause is how often Await looks.
const pollPause = 20 * time.Millisecond

// logTail is how many lines of a program's log a failed test shows.
const logTail = 40

// Process is a program that runs beside the test.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// Start starts a command with both outputs going to a log file. The program and
// its children are killed when the test ends; a failed test shows the log.
func Start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd: cmd, log: filepath.Join(t.TempDir(), name+".log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // the exit code is read from ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			lines := strings.Split(p.Log(), "\n")
			t.Logf("end of the log of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-logTail):], "\n"))
		}
	})
	return p
}

func (p *Process) kill() {
	if err := unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		panic(err)
	}
	<-p.done
}

// Log is what the program has printed so far.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// AwaitLog waits until the log matches and returns the submatches. The test
// fails at once when the program ends without having said it.
func (p *Process) AwaitLog(t testing.TB, within time.Duration, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var match []string
	Await(t, within, func() error {
		running := p.Running()
		match = re.FindStringSubmatch(p.Log())
		switch {
		case match != nil:
			return nil
		case !running:
			t.Fatalf("the program ended with code %d and its log has no %s", p.cmd.ProcessState.ExitCode(), pattern)
		}
		return fmt.Errorf("the log has no %s", pattern)
	})
	return match
}

// Running says whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Stop sends a signal, waits for the program to end and returns its exit code.
func (p *Process) Stop(t testing.TB, signal syscall.Signal, within time.Duration) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatalf("signal %v: %v", signal, err)
	}
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("still running %v after signal %v", within, signal)
		return 0
	}
}

// Await waits until something can be seen: until seen returns nil. When that
// does not happen in time the test fails with its last error.
func Await(t testing.TB, within time.Duration, seen func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		err := seen()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still after %v: %v", within, err)
		}
		<-tick.C
	}
}
