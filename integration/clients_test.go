//go:build linux

package integration

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"natftpd/integration/lab"
)

// fileSize is what each client uploads and downloads.
const fileSize = 1 << 20

// mode is how a client wants its data connections.
type mode string

const (
	pasv    mode = "PASV"
	epsv    mode = "EPSV"
	port    mode = "PORT"
	eprt    mode = "EPRT"
	pasvTLS mode = "PASV+TLS"
)

// verbs are the commands that show a client did what the mode says, and did not
// fall back to another.
func (m mode) verbs() []string {
	if m == pasvTLS {
		return []string{"AUTH", "PASV", "PROT"}
	}
	return []string{string(m)}
}

// job is what a client does: upload put as name, LIST, download name as get.
type job struct {
	at             netip.AddrPort
	put, name, get string
}

// client is a real FTP client program. It is told to show its commands and to
// connect to the very address that 227 names, which none of them does by itself.
type client struct {
	name     string
	modes    []mode
	commands func(mode, job) [][]string
}

// clientTools are the programs of the clients and their Debian packages.
var clientTools = map[string]string{"curl": "curl", "lftp": "lftp", "python3": "python3"}

var clients = []client{
	{"curl", []mode{pasv, epsv, port, eprt, pasvTLS}, curl},
	{"lftp", []mode{pasv, epsv, port, pasvTLS}, lftp},
	{"ftplib", []mode{pasv, epsv, port, eprt, pasvTLS}, ftplib},
}

func curl(m mode, j job) [][]string {
	base := []string{"curl", "-sSv", "--max-time", "40", "--user", user + ":" + password, "--no-ftp-skip-pasv-ip"}
	base = append(base, map[mode][]string{
		pasv:    {"--disable-epsv"},
		epsv:    {"--ftp-pasv"},
		port:    {"--ftp-port", "-", "--disable-eprt"},
		eprt:    {"--ftp-port", "-"},
		pasvTLS: {"--disable-epsv", "--ssl-reqd", "--insecure"},
	}[m]...)
	url := fmt.Sprintf("ftp://%s/", j.at)
	return [][]string{
		slices.Concat(base, []string{"--upload-file", j.put, url + j.name}),
		slices.Concat(base, []string{url}),
		slices.Concat(base, []string{"--output", j.get, url + j.name}),
	}
}

func lftp(m mode, j job) [][]string {
	script := []string{
		"set cmd:fail-exit yes", "set net:max-retries 1", "set net:timeout 10", "set ssl:verify-certificate no",
		"set ftp:fix-pasv-address off", "set ftp:prefer-epsv off", "set ftp:ssl-allow no", "debug 5",
	}
	script = append(script, map[mode]string{
		pasv:    "set ftp:passive-mode on",
		epsv:    "set ftp:prefer-epsv on",
		port:    "set ftp:passive-mode off",
		pasvTLS: "set ftp:ssl-allow yes; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ftp:ssl-protect-list yes",
	}[m],
		fmt.Sprintf("open -u %q,%q ftp://%s", user, password, j.at),
		fmt.Sprintf("put %q -o %s", j.put, j.name), "ls", fmt.Sprintf("get %s -o %q", j.name, j.get), "bye")
	return [][]string{{"lftp", "--norc", "-c", strings.Join(script, "; ")}}
}

func ftplib(m mode, j job) [][]string {
	return [][]string{{
		"python3", filepath.Join("testdata", "client.py"), string(m),
		j.at.Addr().String(), strconv.Itoa(int(j.at.Port())), user, password, j.put, j.name, j.get,
	}}
}

// testClients lets every client do the modes that it has, from a host to the
// server, and compares what arrived. Each is a subtest.
func testClients(t *testing.T, h *lab.Host, s *server, at netip.Addr, modes ...mode) {
	lab.RequireTools(t, clientTools)
	for _, c := range clients {
		for _, m := range modes {
			if slices.Contains(c.modes, m) {
				t.Run(fmt.Sprintf("%s %s", c.name, m), func(t *testing.T) { c.test(t, h, s, s.at(at), m) })
			}
		}
	}
}

func (c client) test(t *testing.T, h *lab.Host, s *server, at netip.AddrPort, m mode) {
	dir := t.TempDir()
	j := job{at: at, put: filepath.Join(dir, "put"), get: filepath.Join(dir, "get"), name: strings.ToLower(rand.Text()) + ".bin"}
	want := randomFile(t, j.put)
	var shown string
	for _, args := range c.commands(m, j) {
		cmd := h.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "HOME="+dir) // no settings of whoever runs the test
		out, err := h.Try(cmd)
		if err != nil {
			t.Fatal(err)
		}
		shown += out
	}
	if got := verbsIn(shown); !slices.Equal(got, m.verbs()) {
		t.Errorf("commands for data connections: got %v, want %v\n%s", got, m.verbs(), shown)
	}
	if line := regexp.MustCompile(fmt.Sprintf(`(?m)^-.*\b%d\b.*\b%s\r?$`, fileSize, j.name)); !line.MatchString(shown) {
		t.Errorf("LIST shows no %s of %d bytes:\n%s", j.name, fileSize, shown)
	}
	mustHold(t, filepath.Join(s.home, j.name), want)
	mustHold(t, j.get, want)
}

// shownVerb is how curl, lftp and ftplib show what they send.
var shownVerb = regexp.MustCompile(`(?m)^(?:> |---> |\*cmd\* ')(AUTH (?:TLS|SSL)|PROT P|PASV|EPSV|PORT|EPRT)\b`)

func verbsIn(shown string) []string {
	var all []string
	for _, m := range shownVerb.FindAllStringSubmatch(shown, -1) {
		all = append(all, strings.Fields(m[1])[0])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// randomFile writes a file of fileSize random bytes and returns them.
func randomFile(t *testing.T, path string) []byte {
	t.Helper()
	content := make([]byte, fileSize)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return content
}

func mustHold(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s: got %d bytes that differ from the %d sent", path, len(got), len(want))
	}
}
