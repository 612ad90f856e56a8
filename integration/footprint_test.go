//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"natftpd/integration/lab"
)

// idleMemory is what a server that serves nobody may have in memory (VmRSS), with
// the router's ports open and everything on.
const idleMemory = 20 << 20

func TestAnIdleServerIsSmall(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{UPnP: lab.IGD2})
	s := configure(t, l.Server, 2121, l.STUN)
	binary := filepath.Join(buildPlain(t), "natftpd")
	cmd := s.command("serve")
	cmd.Path, cmd.Args = l.Server.Command(binary).Path, append(l.Server.Command(binary).Args, cmd.Args[len(cmd.Args)-3:]...)
	s.Process = lab.Start(t, "natftpd", cmd)
	t.Cleanup(func() { s.stop(t) })
	lab.Await(t, mappedWithin, func() error { return rulesAre(t, l.Router, rulesFor(s.port)) })
	// The memory of the password check at the start is given back soon.
	lab.Await(t, 20*time.Second, func() error {
		if got := resident(t, cmd.Process.Pid); got > idleMemory {
			return fmt.Errorf("%d KiB are resident, want at most %d", got>>10, idleMemory>>10)
		}
		return nil
	})
	t.Logf("%d KiB are resident", resident(t, cmd.Process.Pid)>>10)
}

// resident is the memory of a process in bytes (proc(5), VmRSS).
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("process %d has no VmRSS: it ended", pid)
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// Go's runtime would otherwise look after a busy server 14,000 times a second.
func TestTheServerStartsItselfOnceMoreToRelaxItsTimers(t *testing.T) {
	t.Parallel()
	s := configureLocal(t, "upload: atomic")
	s.start(t)
	pid := strconv.Itoa(s.pid)
	tasks, err := filepath.Glob(filepath.Join("/proc", pid, "task", "*"))
	if err != nil || len(tasks) < 2 {
		t.Fatalf("threads of %s: %q, %v", pid, tasks, err)
	}
	for _, task := range tasks {
		slack, err := os.ReadFile(filepath.Join("/proc", filepath.Base(task), "timerslack_ns"))
		if err != nil || strings.TrimSpace(string(slack)) != "4000000" {
			t.Errorf("thread %s: timer slack %s, %v, want 4000000 ns", filepath.Base(task), slack, err)
		}
	}
	s.login(t)
}
