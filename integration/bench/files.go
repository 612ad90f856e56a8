//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	smallSize  = 4 << 10
	smallFiles = 1000
	// The tree of the mirror: folders, files in each, and the size of a file.
	treeFolders, treeFiles, treeSize = 20, 50, 16 << 10
)

// files are the files that are served and sent. Those that only some loads need
// are made when the first of them asks.
type files struct {
	home  string
	small []byte
}

// prepare makes the home, with the large file and the small ones.
func (f *files) prepare(size int64) error {
	block := make([]byte, mib)
	_, _ = rand.NewChaCha8([32]byte{}).Read(block) // never fails
	f.small = block[:smallSize]
	for _, dir := range []string{f.path("small"), f.path("up")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// Servers that drop their privileges write here as nobody.
	if err := os.Chmod(f.path("up"), 0o777); err != nil {
		return err
	}
	big, err := os.Create(f.path("big"))
	if err != nil {
		return err
	}
	defer big.Close()
	for range size / mib {
		if _, err := big.Write(block); err != nil {
			return fmt.Errorf("the large file: %w", err)
		}
	}
	for i := range smallFiles {
		if err := os.WriteFile(f.path(smallName(i)), f.small, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (f *files) path(name string) string { return filepath.Join(f.home, name) }

func smallName(i int) string { return fmt.Sprintf("small/%04d", i%smallFiles) }

func folderName(entries int) string { return fmt.Sprintf("folder-%d", entries) }

// folder makes a folder with so many entries, named and sized like a camera's.
func (f *files) folder(entries int) error {
	name := folderName(entries)
	err := os.Mkdir(f.path(name), 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range entries {
		one := f.path(fmt.Sprintf("%s/IMG_2026_%06d.jpg", name, i))
		if err := os.WriteFile(one, nil, 0o644); err != nil {
			return err
		}
		if err := os.Truncate(one, int64(i)*37); err != nil { // a hole: it takes no memory
			return err
		}
	}
	return nil
}

// treeName is the folder of the tree.
const treeName = "tree"

// tree makes a tree of folders.
func (f *files) tree() error {
	if _, err := os.Stat(f.path(treeName)); err == nil {
		return nil
	}
	content := bytes.Repeat(f.small, treeSize/smallSize)
	for folder := range treeFolders {
		dir := f.path(fmt.Sprintf("%s/folder %02d", treeName, folder))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for file := range treeFiles {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file %02d", file)), content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// clear removes what was uploaded.
func (f *files) clear() error {
	all, err := os.ReadDir(f.path("up"))
	if err != nil {
		return err
	}
	for _, one := range all {
		if err := os.RemoveAll(filepath.Join(f.path("up"), one.Name())); err != nil {
			return err
		}
	}
	return nil
}
