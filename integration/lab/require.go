//go:build linux

package lab

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	// namespaces is where iproute2 keeps the names of namespaces.
	namespaces = "/run/netns"
	// namePrefix starts the name of each namespace; our process id follows.
	namePrefix = "natftpd-"
)

// tools maps the programs of the lab to their Debian packages.
var tools = map[string]string{
	"ip": "iproute2", "nft": "nftables", "conntrack": "conntrack", "miniupnpd": "miniupnpd", "upnpc": "miniupnpc",
	"turnserver": "coturn", "curl": "curl", "ethtool": "ethtool",
}

// require skips the test without root, which no test run can install. Whatever
// else is missing, a program or root's right to make namespaces, is a skip for a
// developer and a failure where CI=true: a green run there has run the lab.
func require(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the lab needs root: it makes network namespaces")
	}
	RequireTools(t, tools)
	probe := exec.Command("true")
	probe.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if err := probe.Run(); err != nil {
		complaint(t)("the lab needs the right to make network namespaces, which root lacks here: %v", err)
	}
}

// RequireTools skips the test when one of the programs, given with their Debian
// packages, is missing. With CI=true that is a failure.
func RequireTools(t testing.TB, tools map[string]string) {
	t.Helper()
	var missing []string
	for tool, pkg := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, pkg)
		}
	}
	if len(missing) == 0 {
		return
	}
	slices.Sort(missing)
	complaint(t)("needs the Debian packages %s: apt-get install them, or run make test as root", strings.Join(missing, " "))
}

// NodeModules is the folder where .ci/install has npm install packages. Without those
// that are named the test is skipped; with CI=true it fails.
func NodeModules(t testing.TB, names ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "natftpd-test", "node_modules")
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			complaint(t)("needs %s: run .ci/install (%v)", name, err)
		}
	}
	return dir
}

// complaint ends a test that lacks something: as a failure where CI=true.
func complaint(t testing.TB) func(format string, a ...any) {
	if os.Getenv("CI") == "true" {
		return t.Fatalf
	}
	return t.Skipf
}

// removeStale removes what runs left behind that were killed.
func removeStale(t testing.TB) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(namespaces, namePrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var stale []string
	for _, path := range all {
		m := staleName.FindStringSubmatch(filepath.Base(path))
		if m == nil {
			continue
		}
		// A zombie that nobody has reaped has no program any more.
		if _, err := os.Readlink(filepath.Join("/proc", m[1], "exe")); errors.Is(err, fs.ErrNotExist) {
			stale = append(stale, m[0])
		}
	}
	deleteNamespaces(t, stale)
}

var staleName = regexp.MustCompile(`^` + namePrefix + `(\d+)-[a-z0-9]+-[a-z]+$`)

// deleteNamespaces kills what still runs in the namespaces and deletes them.
// Those that are not there (any more) are passed over.
func deleteNamespaces(t testing.TB, names []string) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(namespaces, name)); err != nil {
			continue
		}
		pids, err := exec.Command("ip", "netns", "pids", name).Output()
		if err != nil {
			t.Logf("processes in %s: %v", name, err)
		}
		for _, field := range strings.Fields(string(pids)) {
			if pid, err := strconv.Atoi(field); err == nil {
				_ = unix.Kill(pid, unix.SIGKILL) // it may have ended by itself
			}
		}
		if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
			t.Logf("delete namespace %s: %v\n%s", name, err, out)
		}
	}
}
