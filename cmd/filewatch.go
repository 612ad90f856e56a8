package cmd

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must be left alone before it is read: editors write in
// several steps, and some by renaming. What else happens in its folder, where there
// may be a log, counts for nothing.
const settle = 500 * time.Millisecond

// watchFile tells of each new version of a file until ctx ends. It watches the
// folder, for the file itself may be replaced by another, and in a folder of links,
// as Kubernetes makes it, by another link.
func watchFile(ctx context.Context, name string, log *slog.Logger, changed func()) {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		err = watcher.Add(filepath.Dir(name))
	}
	if err != nil {
		log.Warn("the configuration is not watched; send SIGHUP after a change", "file", name, "error", err)
		return
	}
	seen := versionOf(name)
	latest := seen
	settled := time.NewTimer(settle) // a change meanwhile was not told
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-watcher.Events:
			if now := versionOf(name); now != latest {
				latest = now
				settled.Reset(settle)
			}
		case err := <-watcher.Errors:
			log.Debug("configuration watch", "error", err)
			settled.Reset(settle)
		case <-settled.C:
			if now := versionOf(name); now != (fileVersion{}) && now != seen {
				seen = now
				changed()
			}
		}
	}
}

// fileVersion tells one version of a file from another. The zero value: there is no
// file.
type fileVersion struct {
	size     int64
	modified time.Time
}

func versionOf(name string) fileVersion {
	info, err := os.Stat(name)
	if err != nil {
		return fileVersion{}
	}
	return fileVersion{info.Size(), info.ModTime()}
}
