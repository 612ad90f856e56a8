//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// memoryDisk is where the files are: a tmpfs on every Linux.
	memoryDisk = "/dev/shm"
	// passivePorts is how many each server gets: more than transfers at once.
	passivePorts = 200
	// descriptors are enough for ten thousand sessions, here and in the server.
	descriptors = 20_000
)

// place is where a run happens: its folders, its cores and its options.
type place struct {
	options
	cores cores
	// dir is removed at the end; home, in it, is what the servers serve.
	dir, home string
	// cache holds what is kept between runs: packages, unpacked.
	cache string
	// version is natftpd's, profiled the program that writes a profile of itself.
	version, profiled string
	files             files
}

func newPlace(ctx context.Context, o options, c cores) (*place, error) {
	if err := allowDescriptors(); err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	if err := removeStale(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(memoryDisk, fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return nil, err
	}
	p := &place{options: o, cores: c, dir: dir, home: filepath.Join(dir, "home"), cache: filepath.Join(cache, "natftpd-bench")}
	p.files = files{home: p.home}
	err = errors.Join(
		os.Chmod(dir, 0o755), // servers drop their privileges
		os.Mkdir(filepath.Dir(p.certificate()), 0o755),
		p.files.prepare(o.size),
		writeCertificate(p.certificate(), p.key()),
		p.build(ctx),
	)
	if err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

// dirPrefix starts the name of a run's folder; the process's id follows.
const dirPrefix = "natftpd-bench-"

// removeStale removes what runs left in memory that were killed.
func removeStale() error {
	all, err := filepath.Glob(filepath.Join(memoryDisk, dirPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range all {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		if _, err := os.Stat(filepath.Join("/proc", pid)); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func (p *place) remove() { os.RemoveAll(p.dir) }

// certificate and key are PEM files, both in the second: some servers want one
// file. Nothing else is written into their folder, which natftpd watches.
func (p *place) certificate() string { return filepath.Join(p.dir, "tls", "certificate.pem") }
func (p *place) key() string         { return filepath.Join(p.dir, "tls", "key.pem") }

// build builds natftpd as it is shipped, unless the options name one.
func (p *place) build(ctx context.Context) error {
	if p.natftpd == "" {
		p.natftpd = filepath.Join(p.dir, "natftpd.bin")
		if err := goBuild(ctx, p.natftpd, "natftpd/cmd/natftpd"); err != nil {
			return err
		}
	}
	said, err := exec.CommandContext(ctx, p.natftpd, "version").Output()
	if err != nil {
		return fmt.Errorf("natftpd version: %w", err)
	}
	p.version, _, _ = strings.Cut(strings.TrimPrefix(string(said), "natftpd "), "\n")
	return nil
}

// goBuild builds a program of the tree.
func goBuild(ctx context.Context, program, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "timetzdata", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// allowDescriptors raises the limit on open files, which servers inherit.
func allowDescriptors() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit on open files: %w", err)
	}
	if limit.Cur >= descriptors {
		return nil
	}
	limit.Cur, limit.Max = descriptors, max(limit.Max, descriptors)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("allow %d open files: %w; as root, or ulimit -n %d", descriptors, err, descriptors)
	}
	return nil
}

// ground is what one server gets: a folder for its own files, and ports.
type ground struct {
	*place
	dir           string
	control       netip.AddrPort
	status        netip.AddrPort
	passive, last int
}

// ground finds free ports below those that the system hands out by itself.
func (p *place) ground(name string) (ground, error) {
	g := ground{place: p, dir: filepath.Join(p.dir, name)}
	if err := os.MkdirAll(g.written(), 0o755); err != nil {
		return g, err
	}
	const tries, ports = 50, 2 + passivePorts
	here := netip.MustParseAddr("127.0.0.1")
	var err error
	for range tries {
		first := 15_000 + rand.IntN(15_000)
		if err = allFree(first, ports); err == nil {
			g.control = netip.AddrPortFrom(here, uint16(first))
			g.status = netip.AddrPortFrom(here, uint16(first+1))
			g.passive, g.last = first+2, first+ports-1
			return g, nil
		}
	}
	return g, fmt.Errorf("find %d free ports: %w", ports, err)
}

func allFree(first, count int) error {
	for port := first; port < first+count; port++ {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}

// written is the folder of what the server is told by. Its log is elsewhere: natftpd
// watches the folder of its configuration, and would wake for each line.
func (g ground) written() string { return filepath.Join(g.dir, "conf") }

// file writes a file that the server is told by and returns its name.
func (g ground) file(name, text string) (string, error) {
	full := filepath.Join(g.written(), name)
	return full, os.WriteFile(full, []byte(text), 0o600)
}
