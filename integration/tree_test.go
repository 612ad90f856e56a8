//go:build linux

package integration

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// makeTree makes what is uploaded: a folder called tree with these files, of which
// the one called empty is.
func makeTree(t *testing.T, names ...string) string {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	for i, name := range names {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		content := bytes.Repeat([]byte(name), 1+i*500)
		if filepath.Base(name) == "empty" {
			content = nil
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// mustEqualTree compares the files of two folders by their checksums.
func mustEqualTree(t *testing.T, got, want string) {
	t.Helper()
	g, w := sums(t, got), sums(t, want)
	if maps.Equal(g, w) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if sum, ok := g[name]; !ok {
			t.Errorf("%s: %q is missing", got, name)
		} else if sum != w[name] {
			t.Errorf("%s: %q has another content", got, name)
		}
		delete(g, name)
	}
	for name := range g {
		t.Errorf("%s: %q is too many", got, name)
	}
}

func sums(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	all := map[string][sha256.Size]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		all[name] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return all
}
