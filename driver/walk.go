package driver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tendPause lets others at the disk after each batch of entries, when nobody
// waits for the outcome.
const tendPause = 5 * time.Millisecond

// stride is how many folders deep walk goes by names as seen from one and the same
// folder: os.Root opens all that lie between one after the other, each time anew.
const stride = 64

// walk visits everything below a folder of a home, links as what they are. What
// vanishes meanwhile, or can't be read, is left out.
func walk(ctx context.Context, root *os.Root, local string, pause time.Duration, visit func(local string, info fs.FileInfo)) error {
	return walkFrom(ctx, stand{root, ""}, local, pause, visit)
}

// stand is a folder from which others are seen, and what it is called itself.
type stand struct {
	*os.Root
	local string
}

func walkFrom(ctx context.Context, at stand, name string, pause time.Duration, visit func(local string, info fs.FileInfo)) error {
	local := filepath.Join(at.local, name)
	var folders []string
	var err error
	if strings.Count(name, string(filepath.Separator)) >= stride {
		var near *os.Root
		if near, err = at.OpenRoot(name); err == nil {
			defer func() { _ = near.Close() }() // it was only looked at
			at, name = stand{near, local}, ""
		}
	}
	if err == nil {
		folders, err = walkFolder(ctx, at.Root, name, pause, func(below string, info fs.FileInfo) {
			visit(filepath.Join(at.local, below), info)
		})
	}
	for _, folder := range folders {
		if err == nil {
			err = walkFrom(ctx, at, folder, pause, visit)
		}
	}
	if local != "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		return nil
	}
	return bare(err)
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
		var of *fs.PathError
		switch {
		case errors.Is(err, io.EOF):
			return folders, nil
		case errors.As(err, &of) && of.Op == "fstatat": // of one entry; the next call goes on behind it
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
