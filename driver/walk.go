package driver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// tendPause lets others at the disk after each batch of entries, when nobody
// waits for the outcome.
const tendPause = 5 * time.Millisecond

// walk visits everything below a folder of a home, links as what they are. What
// vanishes meanwhile, or can't be read, is left out.
func walk(ctx context.Context, root *os.Root, local string, pause time.Duration, visit func(local string, info fs.FileInfo)) error {
	folders, err := walkFolder(ctx, root, local, pause, visit)
	for _, folder := range folders {
		if err == nil {
			err = walk(ctx, root, folder, pause, visit)
		}
	}
	if local != "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		return nil
	}
	return err
}

// walkFolder returns the folders in a folder for later: so no more than one is
// open at a time.
func walkFolder(ctx context.Context, root *os.Root, local string, pause time.Duration, visit func(local string, info fs.FileInfo)) (folders []string, err error) {
	dir, _, err := openKind(root, filepath.Join(".", local), os.O_RDONLY, fs.ModeDir)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	for {
		entries, err := dir.Readdir(listBatch)
		for _, e := range entries {
			name := filepath.Join(local, e.Name())
			if e.IsDir() {
				folders = append(folders, name)
			}
			visit(name, e)
		}
		switch {
		case errors.Is(err, io.EOF):
			return folders, nil
		case err != nil:
			return folders, bare(err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}
