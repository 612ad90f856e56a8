//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// startWithin is when a server must greet, stopWithin when it must have ended
	// after SIGTERM; then it is killed.
	startWithin = 15 * time.Second
	stopWithin  = 10 * time.Second
)

// server is a server that runs.
type server struct {
	name string
	at   netip.AddrPort
	// version is "" where it is not known.
	version string
	// user is whom the client logs in as, slow the account whose password is hashed by
	// argon2id at the usual cost; "": there is none.
	user, slow string
	// status is where natftpd's status page is.
	status netip.AddrPort

	cmd   *exec.Cmd
	clock *cpuClock
	log   string
	done  chan struct{}
	ended sync.Once
	// alone ends what runs beside the server and waits for it.
	alone func()
}

// launch is how to start a server.
type launch struct {
	server  *server
	program string
	args    []string
	env     []string
	dir     string
	// beside is what keeps the server company until its context ends, which it must
	// not leave before. nil: nothing.
	beside func(context.Context) error
}

// start starts a server on the server's core and waits until it takes
// connections.
func start(ctx context.Context, l launch, core int) (*server, error) {
	s := l.server
	s.log = filepath.Join(l.dir, s.name+".out")
	s.alone = func() {}
	s.done = make(chan struct{})
	out, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	s.cmd = exec.Command(l.program, l.args...)
	s.cmd.Dir = l.dir
	s.cmd.Env = append(os.Environ(), l.env...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}

	started := make(chan error, 1)
	go s.run(core, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	if err := s.awaitGreeting(ctx); err != nil {
		s.stop()
		return nil, err
	}
	if l.beside != nil {
		s.keepCompany(ctx, l.beside)
	}
	return s, nil
}

// keepCompany runs what is to run beside the server. Without it the server would
// measure something else, so that its end is the server's.
func (s *server) keepCompany(ctx context.Context, beside func(context.Context) error) {
	ctx, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	s.alone = func() { end(); <-ended }
	go func() {
		defer close(ended)
		if err := beside(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "bench: beside %s: %v\n", s.name, err)
			_ = s.cmd.Process.Kill() // it may have ended by itself
		}
	}()
}

// run starts the server and waits for its end. The thread is never given back:
// the server inherits its core and its clock, and dies with it.
func (s *server) run(core int, started chan<- error) {
	runtime.LockOSThread()
	defer close(s.done)
	err := pin(0, core)
	if err == nil {
		s.clock, err = openCPUClock()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	started <- err
	if err == nil {
		_ = s.cmd.Wait() // how it ended is in its log
	}
}

func (s *server) awaitGreeting(ctx context.Context) error {
	deadline, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := connect(deadline, s.at, netip.MustParseAddr("127.0.0.1"))
		if err == nil {
			c.close()
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("%s ended at once: %s", s.name, s.lastWords())
		case <-deadline.Done():
			return fmt.Errorf("%s does not greet: %w: %s", s.name, err, s.lastWords())
		case <-tick.C:
		}
	}
}

// lastWords are the end of what the server printed.
func (s *server) lastWords() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	text = bytes.TrimSpace(text)
	return strings.ReplaceAll(string(text[max(0, len(text)-300):]), "\n", "; ")
}

// stop ends the server and what it has started. It may be called again.
func (s *server) stop() { s.ended.Do(s.end) }

func (s *server) end() {
	s.alone()
	family := s.pids()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-s.done:
	case <-time.After(stopWithin):
	}
	for _, pid := range family {
		_ = unix.Kill(pid, unix.SIGKILL) // most have ended with their parent
	}
	<-s.done
	s.clock.close()
}

// pids are the server's processes, itself first.
func (s *server) pids() []int {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is fine
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		// The program's name stands in parentheses and may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	family := []int{s.cmd.Process.Pid}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family
}

// memory is a sum over the server's processes, in bytes, of a field of
// /proc/pid/smaps_rollup: Pss counts shared memory by its share.
func (s *server) memory(field string) (int64, error) {
	var total int64
	for _, pid := range s.pids() {
		n, err := memoryField(fmt.Sprintf("/proc/%d/smaps_rollup", pid), field)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return 0, fmt.Errorf("memory of %s: %w", s.name, err)
		}
		total += n
	}
	return total, nil
}

// memoryField reads a size in KiB from a file of proc(5).
func memoryField(name, field string) (int64, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "\n"+field+":")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); !found || err != nil {
		return 0, fmt.Errorf("%s has no %s", name, field)
	}
	return kib << 10, nil
}
