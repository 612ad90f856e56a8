//go:build linux

package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// unpack gets Debian packages side by side into a folder of the cache, without
// installing them, and returns the folder.
func (p *place) unpack(ctx context.Context, name string, packages []string) (string, error) {
	root := filepath.Join(p.cache, name)
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := os.MkdirAll(p.cache, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(p.cache, name+"-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	get := exec.CommandContext(ctx, "apt-get", append([]string{"download", "-q"}, packages...)...)
	get.Dir = work
	if out, err := get.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get download %s: %w: %s (apt-get update may help)", strings.Join(packages, " "), err, lastLine(out))
	}
	debs, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return "", err
	}
	unpacked := filepath.Join(work, "root")
	for _, deb := range debs {
		if out, err := exec.CommandContext(ctx, "dpkg", "-x", deb, unpacked).CombinedOutput(); err != nil {
			return "", fmt.Errorf("unpack %s: %w: %s", filepath.Base(deb), err, lastLine(out))
		}
	}
	return root, os.Rename(unpacked, root)
}

// packageVersion is the version of an unpacked package, by the first line of its
// changelog, which for a package that was only built again is another file; "": not
// known.
func packageVersion(root, name string) string {
	doc := filepath.Join(root, "usr/share/doc", name, "changelog.Debian.")
	for _, end := range []string{runtime.GOARCH + ".gz", "gz"} {
		f, err := os.Open(doc + end)
		if err != nil {
			continue
		}
		defer f.Close()
		text, err := gzip.NewReader(f)
		if err != nil {
			continue
		}
		first, err := bufio.NewReader(text).ReadString('\n')
		_, rest, found := strings.Cut(first, " (")
		version, _, ends := strings.Cut(rest, ")")
		if err == nil && found && ends {
			return version
		}
	}
	return ""
}

// libraries is the environment in which unpacked programs find their libraries.
func libraries(root string) []string {
	return []string{"LD_LIBRARY_PATH=" + strings.Join(libraryFolders(root), ":")}
}

func libraryFolders(root string) []string {
	all, _ := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*")) // the pattern is fine
	return append(all, filepath.Join(root, "usr/lib"))
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// buildModule makes the program at the root of a Go module in the cache and returns its file.
// It is built in the module's own folder, by its go.mod and go.sum: one with replacements
// can't be had by go install. tags are what it is built with.
func (p *place) buildModule(ctx context.Context, name, module, version, tags string) (string, error) {
	program := filepath.Join(p.cache, "bin", name+"-"+version)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(p.cache, 0o755); err != nil {
		return "", err
	}
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+"@"+version)
	download.Dir = p.cache // of no module
	out, err := download.Output()
	var got struct{ Dir, Error string }
	if errJSON := json.Unmarshal(out, &got); errJSON != nil || got.Error != "" {
		return "", errors.Join(fmt.Errorf("go mod download %s@%s: %s", module, version, got.Error), err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-tags", tags, "-o", program, ".")
	build.Dir = got.Dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s@%s: %w: %s", module, version, err, lastLine(out))
	}
	return program, nil
}

// runTool runs an unpacked program to its end.
func runTool(ctx context.Context, root, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(root, program), args...)
	cmd.Env = append(os.Environ(), libraries(root)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastLine(out))
	}
	return nil
}
