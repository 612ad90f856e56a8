//go:build unix

package integration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// awaitWithin bounds how long a script waits for a line of a program.
const awaitWithin = 20 * time.Second

// TestScripts runs natftpd as a person types it. Beyond testscript's own, the
// scripts have these commands and variables:
//
//	exits CODE PROGRAM ARGS...  the program ends with this exit code
//	await FILE REGEXP           waits until the file matches; the named groups
//	                            become variables
//	sigterm                     sends SIGTERM to what runs in the background
//	$PORT                       the port of the server's control connections
//
// A script never asks the router or STUN servers of whoever runs the tests.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") == "true" {
		t.Fatal("the scripts need curl: apt-get install curl, or run make test as root")
	}
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setupScript(newPortBlocks()),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"await":   await,
			"sigterm": sigterm,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func setupScript(ports *portBlocks) func(*testscript.Env) error {
	return func(e *testscript.Env) error {
		port, passive, err := ports.next()
		if err != nil {
			return err
		}
		home := filepath.Join(e.WorkDir, "home")
		for name, value := range map[string]string{
			"HOME":                      home,
			"XDG_CONFIG_HOME":           filepath.Join(home, "config"),
			"XDG_STATE_HOME":            filepath.Join(home, "state"),
			"NATFTPD_NAT_PORT_MAPPING":  "off",
			"NATFTPD_NAT_STUN_SERVERS":  "[]",
			"NATFTPD_STATUS_LISTEN":     "off",
			"NATFTPD_FTP_LISTEN":        fmt.Sprintf("127.0.0.1:%d", port),
			"NATFTPD_FTP_PASSIVE_PORTS": passive,
			"PORT":                      strconv.Itoa(port),
		} {
			e.Setenv(name, value)
		}
		return nil
	}
}

// portBlocks hands out ports that nobody uses right now, below those that the
// system hands out by itself, and none of them twice: scripts run side by side.
type portBlocks struct{ first atomic.Int32 }

func newPortBlocks() *portBlocks {
	var b portBlocks
	b.first.Store(20000 + rand.Int32N(8000))
	return &b
}

// next is a port and a passive range of ten.
func (b *portBlocks) next() (port int, passive string, err error) {
	const tries, size = 50, 11
	for range tries {
		first := int(b.first.Add(size))
		if err = allFree(first, size); err == nil {
			return first, fmt.Sprintf("%d-%d", first+1, first+size-1), nil
		}
	}
	return 0, "", fmt.Errorf("find free ports: %w", err)
}

func allFree(first, count int) error {
	for p := first; p < first+count; p++ {
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", p))
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code of %v: got %d, want %d", args[1:], got, want)
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(awaitWithin)
	for {
		text, _ := os.ReadFile(ts.MkAbs(args[0])) // the program may not have made it yet
		if m := re.FindSubmatch(text); m != nil {
			for i, name := range re.SubexpNames() {
				if name != "" {
					ts.Setenv(name, string(m[i]))
				}
			}
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s has no %s within %v:\n%s", args[0], args[1], awaitWithin, text)
		}
	}
}

func sigterm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: sigterm")
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
}
