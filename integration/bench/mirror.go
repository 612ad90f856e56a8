//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// mirror is lftp, a real client, that fetches a tree of files over four sessions.
type mirror struct{ tls bool }

func mirrorRow(secure bool) row {
	// Over TLS lftp makes 70 files/s, whoever serves them: a round takes a quarter of a
	// minute, and tells as much as several.
	r := row{unit: "files/s", cost: "file", gauge: mirror{secure}, prepare: (*files).tree, once: secure}
	r.name, r.text = label(secure, "mirror", "tree of %s files by lftp", grouped(treeFolders*treeFiles))
	return r
}

func (l mirror) try(ctx context.Context, p *place, s *server) error {
	_, err := l.measure(ctx, p, s)
	return err
}

func (l mirror) measure(ctx context.Context, p *place, s *server) (out sample, err error) {
	target := filepath.Join(p.dir, "mirrored")
	defer os.RemoveAll(target)
	script := fmt.Sprintf(`set ssl:verify-certificate no; set ftp:ssl-force %t; set ftp:ssl-allow %t; set ftp:ssl-protect-data true
open -u %s,%s ftp://%s
mirror --parallel=4 --no-perms /%s %s
`, l.tls, l.tls, s.user, password, s.at, treeName, target)
	cmd := exec.CommandContext(ctx, "lftp", "-c", script)
	cmd.Env = append(os.Environ(), "LFTP_HOME="+p.dir)
	m, err := begin(s, p.cores)
	if err != nil {
		return out, err
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return out, fmt.Errorf("lftp: %w: %s", err, lastLine(text))
	}
	r, err := m.end()
	if err != nil {
		return out, err
	}
	names, err := filepath.Glob(filepath.Join(target, "*", "*"))
	if err != nil {
		return out, err
	}
	if len(names) != treeFolders*treeFiles {
		return out, fmt.Errorf("lftp fetched %d files, want %d", len(names), treeFolders*treeFiles)
	}
	return r.sample(float64(len(names)), float64(len(names))), nil
}
