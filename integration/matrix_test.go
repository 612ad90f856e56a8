//go:build linux

package integration

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"natftpd/integration/lab"
)

// channel is how a client protects its connections.
type channel string

const (
	plain    channel = "plain"
	explicit channel = "explicit" // AUTH TLS (RFC 4217)
	implicit channel = "implicit" // TLS from the first byte
)

// program is a client as people have it, in all that it can do: a tree up and
// down, and half a file to be completed on either side.
type program struct {
	name string
	// tools are the programs it takes and their Debian packages.
	tools map[string]string
	// inClear and byTLS are its modes by channel.
	inClear, byTLS []mode
	run            func(*testing.T, visit)
	cannot         []string
}

// What a program may not be able to do.
const (
	upload     = "upload"
	resumeUp   = "resume up"
	resumeDown = "resume down"
	// emptyByTLS: basic-ftp resumes the control connection's TLS session on the
	// data connection, takes it for established before the handshake, and ends an
	// empty upload there and then.
	emptyByTLS = "send an empty file by TLS"
)

var (
	passives = []mode{pasv, epsv}
	all      = []mode{pasv, epsv, port, eprt}
	lftps    = []mode{pasv, epsv, port}
	classic  = []mode{pasv, port}
)

var programs = []program{
	// curl 7.88 talks no TLS on an active data connection.
	{"curl", map[string]string{"curl": "curl"}, all, passives, script("bash", "curl.sh"), nil},
	{"lftp", map[string]string{"lftp": "lftp"}, lftps, lftps, script("bash", "lftp.sh"), nil},
	{"wget", map[string]string{"wget": "wget"}, classic, classic, script("bash", "wget.sh"), []string{upload, resumeUp}},
	{"tnftp", map[string]string{"tnftp": "tnftp"}, all, nil, script("bash", "tnftp.sh"), nil},
	{"ncftp", map[string]string{"ncftpput": "ncftp"}, classic, nil, script("bash", "ncftp.sh"), nil},
	{"ftplib", map[string]string{"python3": "python3"}, all, all, script("python3", "python.py"), nil},
	{"rclone", map[string]string{"rclone": "rclone"}, passives, passives, script("bash", "rclone.sh"), []string{resumeUp, resumeDown}},
	{"basic-ftp", map[string]string{"node": "nodejs"}, passives, passives, script("node", "basic-ftp.mjs"), []string{emptyByTLS}},
	{"jlaffaye", nil, passives, passives, jlaffaye, nil},
}

func (p program) can(what string) bool { return !slices.Contains(p.cannot, what) }

// visit is what a program is given.
type visit struct {
	server  *local
	user    string
	channel channel
	mode    mode
	// up is a folder called tree, to be stored as /tree; down is the folder that
	// it is to be downloaded to, as tree.
	up, down string
	// file is whole: its first half is on the server as half-up.bin and in down as
	// half-down.bin; both are to be completed.
	file string
}

// addr is where the server listens.
func (v visit) addr() netip.AddrPort {
	if v.channel == implicit {
		return v.server.tlsAddr
	}
	return v.server.addr
}

// script runs testdata/clients/name by an interpreter, which finds the visit in
// its environment.
func script(interpreter, name string) func(*testing.T, visit) {
	args := map[string][]string{"bash": {"-eu", "-o", "pipefail"}}[interpreter]
	return func(t *testing.T, v visit) {
		path, err := filepath.Abs(filepath.Join("testdata", "clients", name))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), interpreter, append(slices.Clone(args), path)...)
		cmd.Dir = v.down
		cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
		cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8", // no settings of whoever runs the test
			"HOST="+v.addr().Addr().String(), fmt.Sprintf("PORT=%d", v.addr().Port()), "USER="+v.user, "PASSWORD="+password,
			"CHANNEL="+string(v.channel), "MODE="+string(v.mode), "UP="+v.up, "DOWN="+v.down, "FILE="+v.file,
			"NODE_MODULES="+lab.NodeModules(t))
		timeout := time.AfterFunc(time.Minute, func() { _ = cmd.Cancel() })
		defer timeout.Stop()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestClientMatrix lets every client do all that it can in each channel and mode.
func TestClientMatrix(t *testing.T) {
	s, visits := startMatrix(t)
	names := []string{
		"plain.txt", "with two  spaces.txt", `quote's "and" double.txt`, "100% & hash#.txt", "Ünïcödé/日本語 ファイル.txt", "Ünïcödé/🏡.bin",
		"a/b/c/d/deep.txt", "a/b/.hidden", "a/CaseSensitive", "a/casesensitive", "folder with spaces/it's.txt", "a/empty",
	}
	up, noneEmpty := makeTree(t, names...), makeTree(t, names[:len(names)-1]...)
	file := filepath.Join(t.TempDir(), "file.bin")
	randomFile(t, file)
	for _, v := range visits {
		p := v.program
		t.Run(fmt.Sprintf("%s %s %s", p.name, v.channel, v.mode), func(t *testing.T) {
			t.Parallel()
			p.require(t)
			v := v.visit
			v.server, v.up, v.file, v.down = s, up, file, t.TempDir()
			if v.channel != plain && !p.can(emptyByTLS) {
				v.up = noneEmpty
			}
			p.test(t, v)
		})
	}
}

type matrixVisit struct {
	visit
	program program
}

// startMatrix starts a server with an account for each visit.
func startMatrix(t *testing.T) (*local, []matrixVisit) {
	t.Helper()
	var visits []matrixVisit
	homes := t.TempDir()
	users := "users:\n"
	for _, p := range programs {
		for c, modes := range map[channel][]mode{plain: p.inClear, explicit: p.byTLS, implicit: p.byTLS} {
			for _, m := range modes {
				name := strings.ToLower(fmt.Sprintf("%s-%s-%s", p.name, c, m))
				users += account(name, filepath.Join(homes, name))
				visits = append(visits, matrixVisit{visit{user: name, channel: c, mode: m}, p})
			}
		}
	}
	s := configureLocal(t, "listen_tls: $TLS, max_sessions_per_ip: 0, new_sessions_per_ip: 0", users)
	s.home = homes
	s.start(t)
	return s, visits
}

func (p program) require(t *testing.T) {
	t.Helper()
	lab.RequireTools(t, p.tools)
	if p.name == "basic-ftp" {
		lab.NodeModules(t, p.name)
	}
}

func (p program) test(t *testing.T, v visit) {
	home := filepath.Join(v.server.home, v.user)
	whole, err := os.ReadFile(v.file)
	if err != nil {
		t.Fatal(err)
	}
	half := whole[:len(whole)/2]
	for path, content := range map[string][]byte{
		filepath.Join(home, "half-up.bin"): half, filepath.Join(home, "half-down.bin"): whole, filepath.Join(v.down, "half-down.bin"): half,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !p.can(upload) {
		if err := os.CopyFS(filepath.Join(home, "tree"), os.DirFS(v.up)); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, v)

	mustEqualTree(t, filepath.Join(home, "tree"), v.up)
	mustEqualTree(t, filepath.Join(v.down, "tree"), v.up)
	if p.can(resumeUp) {
		mustHold(t, filepath.Join(home, "half-up.bin"), whole)
	}
	if p.can(resumeDown) {
		mustHold(t, filepath.Join(v.down, "half-down.bin"), whole)
	}
	v.mustHaveKept(t)
}

// mustHaveKept checks that the client did what the mode and the channel say, and
// did not fall back to another.
func (v visit) mustHaveKept(t *testing.T) {
	t.Helper()
	sent, secure := v.server.commands(v.user)
	used, private := map[string]bool{}, false
	for _, command := range sent {
		verb, arg, _ := strings.Cut(command, " ")
		switch verb {
		case "PASV", "EPSV", "PORT", "EPRT":
			used[verb] = true
		case "PROT":
			private = arg == "P"
		}
	}
	if got, want := slices.Sorted(maps.Keys(used)), v.mode.verbs(); !slices.Equal(got, want) {
		t.Errorf("commands for data connections: got %v, want %v", got, want)
	}
	if want := v.channel != plain; secure != want || private != want {
		t.Errorf("TLS at the login %v, for data connections %v; want %v", secure, private, want)
	}
}
