//go:build linux

package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// Of a file's transfer all but its bytes are system calls. Their number does not
// depend on the machine, so it is what keeps a change from making all transfers
// slower unseen; how fast they are make bench tells. The page on performance shows
// them: make calls writes it.
func TestSystemCallsOfATransfer(t *testing.T) {
	t.Parallel()
	lab.RequireTools(t, map[string]string{"strace": "strace"})
	s := configureLocal(t, "upload: atomic")
	s.start(t, "env", "NATFTPD_LOG_LEVEL=info", "PATH="+buildPlain(t)+":"+os.Getenv("PATH"))
	const entries = 10_000
	large := make([]byte, 64<<20)
	s.write(t, "large", large)
	s.write(t, "small", large[:4<<10])
	s.makeFolder(t, "folder", entries)
	s.makeFolder(t, "deep", 0)
	s.makeFolder(t, "deep/deeper", 0)
	s.write(t, "deep/deeper/small", large[:4<<10])
	c := s.login(t)

	var all []callCount
	for _, one := range []struct {
		name  string
		times int
		do    func(n int) error
		// most is how many calls one of them may take, without those of Go's
		// scheduler. Where the kernel copies, what it finds in a socket decides.
		most float64
	}{
		{"download of 4 KiB", 50, func(int) error { return c.discard(s, "RETR small") }, 25},
		{"upload of 4 KiB", 50, func(n int) error { return c.upload(s, fmt.Sprint("up-", n), large[:4<<10]) }, 31},
		{"download of 4 KiB from a folder", 50, func(int) error { return c.discard(s, "RETR deep/deeper/small") }, 28},
		{"upload of 4 KiB to a folder", 50, func(n int) error { return c.upload(s, fmt.Sprint("deep/deeper/up-", n), large[:4<<10]) }, 35},
		{"download of 64 MiB", 1, func(int) error { return c.discard(s, "RETR large") }, 500},
		{"upload of 64 MiB", 1, func(int) error { return c.upload(s, "up-large", large) }, 500},
		{"LIST of 10000 entries", 1, func(int) error { return c.discard(s, "LIST folder") }, entries + 200},
		{"MLSD of 10000 entries", 1, func(int) error { return c.discard(s, "MLSD folder") }, entries + 200},
	} {
		t.Run(one.name, func(t *testing.T) {
			if err := one.do(-1); err != nil { // what only the first one needs
				t.Fatal(err)
			}
			calls := s.trace(t, func() {
				for n := range one.times {
					if err := one.do(n); err != nil {
						t.Fatal(err)
					}
				}
			})
			total := 0
			for _, n := range calls {
				total += n
			}
			got := float64(total) / float64(one.times)
			t.Logf("%.1f system calls; in all %v", got, calls)
			if got > one.most {
				t.Errorf("system calls: got %.1f, want at most %.0f", got, one.most)
			}
			all = append(all, callCount{one.name, one.times, one.most, got, calls})
		})
	}
	if !t.Failed() {
		tellCalls(t, all)
	}
}

// buildPlain builds natftpd as it is shipped, without the race detector, whose
// calls would count, and returns its folder.
func buildPlain(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "natftpd"), "natftpd/cmd/natftpd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build natftpd: %v\n%s", err, out)
	}
	return dir
}

// makeFolder makes a folder of empty files.
func (s *local) makeFolder(t *testing.T, name string, entries int) {
	t.Helper()
	dir := filepath.Join(s.home, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%06d", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// discard throws away what a command sends.
func (s *session) discard(h dialer, command string) error {
	conn, err := s.open(h, command)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.Copy(io.Discard, conn); err != nil {
		return err
	}
	_, err = s.reply(226, command)
	return err
}

// scheduling are the calls by which Go's runtime waits, wakes and looks after its
// memory: their number is up to the machine.
var scheduling = []string{"clone", "clone3", "epoll_pwait", "futex", "getpid", "gettid", "madvise", "mmap", "munmap", "nanosleep",
	"restart_syscall", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield", "sigaltstack", "tgkill"}

// trace counts the server's system calls while do runs, by their names.
func (s *local) trace(t *testing.T, do func()) map[string]int {
	t.Helper()
	summary := filepath.Join(t.TempDir(), "summary")
	strace := lab.Start(t, "strace", tracer(s.pid, summary))
	strace.AwaitLog(t, startWithin, `attached`)
	do()
	strace.Stop(t, syscall.SIGINT, 10*time.Second)
	f, err := os.Open(summary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// % time, seconds, usecs/call, calls, errors (or nothing), name.
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		name := fields[len(fields)-1]
		n, err := strconv.Atoi(fields[3])
		if err != nil || name == "total" || slices.Contains(scheduling, name) {
			continue
		}
		calls[name] += n
	}
	if len(calls) == 0 {
		t.Fatalf("strace counted nothing: %s", strace.Log())
	}
	return calls
}

func tracer(pid int, summary string) *exec.Cmd {
	cmd := exec.Command("strace", "-f", "-c", "-o", summary, "-p", strconv.Itoa(pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}
