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
//	$PORT $PASSIVE              a port and a passive range free on loopback
//
// A script never asks the router or STUN servers of whoever runs the tests.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") == "true" {
		t.Fatal("the scripts need curl: apt-get install curl, or run make test as root")
	}
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"await":   await,
			"sigterm": sigterm,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func setupScript(e *testscript.Env) error {
	port, passive, err := freePorts()
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"HOME":                      filepath.Join(e.WorkDir, "home"),
		"XDG_CONFIG_HOME":           filepath.Join(e.WorkDir, "home", "config"),
		"XDG_STATE_HOME":            filepath.Join(e.WorkDir, "home", "state"),
		"NATFTPD_NAT_PORT_MAPPING":  "off",
		"NATFTPD_NAT_STUN_SERVERS":  "[]",
		"NATFTPD_FTP_LISTEN":        fmt.Sprintf("127.0.0.1:%d", port),
		"NATFTPD_FTP_PASSIVE_PORTS": passive,
		"PORT":                      strconv.Itoa(port),
		"PASSIVE":                   passive,
	} {
		e.Setenv(name, value)
	}
	return nil
}

// freePorts finds a port and a range of ten that nobody uses right now, below
// the ports that the system hands out by itself.
func freePorts() (port int, passive string, err error) {
	const tries, size = 50, 10
	for range tries {
		first := 20000 + rand.IntN(10000)
		if err = allFree(first-1, size+1); err == nil {
			return first - 1, fmt.Sprintf("%d-%d", first, first+size-1), nil
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
