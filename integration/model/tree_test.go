package model

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// tree is the model: what a folder of the server must hold. Its keys are FTP
// paths; its root is there for ever.
type tree struct {
	root string
	all  map[string]*entry
}

// entry is a file or a folder.
type entry struct {
	dir      bool
	content  []byte
	modified string // as MFMT set it; "": not known
}

func newTree(root string) *tree {
	return &tree{root, map[string]*entry{root: {dir: true}}}
}

func (t *tree) isDir(name string) bool  { e := t.all[name]; return e != nil && e.dir }
func (t *tree) isFile(name string) bool { e := t.all[name]; return e != nil && !e.dir }

// mayStore says whether a file may take this name.
func (t *tree) mayStore(name string) bool { return t.isDir(path.Dir(name)) && !t.isDir(name) }

func (t *tree) store(name string, content []byte) {
	t.all[name] = &entry{content: bytes.Clone(content)}
}

// names are those of all that pass, in a fixed order.
func (t *tree) names(pass func(name string) bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t.all)), func(name string) bool { return !pass(name) })
}

// below are the names in a folder, at any depth.
func (t *tree) below(folder string) []string {
	return t.names(func(name string) bool { return strings.HasPrefix(name, folder+"/") })
}

func (t *tree) mayRemoveFolder(name string) bool {
	return name != t.root && t.isDir(name) && len(t.below(name)) == 0
}

// mayRename says whether it is allowed, and whether the RFCs and systems agree on
// that: what becomes of a folder in the way depends on the system.
func (t *tree) mayRename(from, to string) (may, clear bool) {
	switch {
	case from == to, t.isDir(to), t.isDir(from) && t.isFile(to):
		return false, false
	case from == t.root, t.all[from] == nil:
		return false, true
	}
	return t.isDir(path.Dir(to)) && !strings.HasPrefix(to, from+"/"), true
}

func (t *tree) rename(from, to string) {
	for _, name := range append(t.below(from), from) {
		t.all[to+strings.TrimPrefix(name, from)] = t.all[name]
		delete(t.all, name)
	}
}

// differs compares a listing.
func (t *tree) differs(folder string, got map[string]fact) error {
	want := map[string]fact{}
	for name, e := range t.all {
		if path.Dir(name) != folder || name == t.root {
			continue
		}
		f := fact{kind: "dir"}
		if !e.dir {
			f = fact{kind: "file", size: fmt.Sprint(len(e.content)), modify: cmp.Or(e.modified, got[path.Base(name)].modify)}
		}
		want[path.Base(name)] = f
	}
	for name, f := range got {
		if f.kind == "dir" {
			got[name] = fact{kind: "dir"}
		}
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("MLSD %s: got %v, want %v", folder, got, want)
	}
	return nil
}
