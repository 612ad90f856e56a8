// Package integration tests the whole binary: with scripts, as a person types
// it, and with real FTP clients in the lab, a real home network on one machine.
// It knows natftpd only from outside: its commands, its configuration and what
// it does on the network.
package integration

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
)

// labsAtOnce is how many labs there are at a time: their tests wait more than they
// compute.
const labsAtOnce = "3"

// TestMain builds natftpd once and puts it first on the PATH of all tests.
func TestMain(m *testing.M) {
	code, err := runWithBinary(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func runWithBinary(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "natftpd-bin-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	args := []string{"build", "-o", filepath.Join(dir, "natftpd")}
	if builtWithRace() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "natftpd/cmd/natftpd")...).CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build natftpd: %w\n%s", err, out)
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return 1, err
	}
	if err := flag.Set("test.parallel", labsAtOnce); err != nil {
		return 1, err
	}
	return m.Run(), nil // parses the flags: -parallel wins
}

// builtWithRace says whether the tests run with -race: then the binary is to be
// watched as well.
func builtWithRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
