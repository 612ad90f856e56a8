package driver

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestOnlyRootsOpenNames: whatever takes a name is a method of os.Root. The
// functions of package os that do, and would follow it anywhere, are only for
// names that the operator gave: homes, and the file of bans. Calls of the kernel
// that do are only in a place, which keeps them in the home, and in a listing,
// which has its names from the kernel.
func TestOnlyRootsOpenNames(t *testing.T) {
	dangerous := map[string][]string{
		"os": strings.Fields(`Chdir Chmod Chown Chtimes CopyFS Create CreateTemp DirFS Lchown Link Lstat Mkdir MkdirAll
			MkdirTemp Open OpenFile OpenInRoot ReadDir ReadFile Readlink Remove RemoveAll Rename Stat Symlink Truncate WriteFile`),
		"unix": strings.Fields(`Access Chdir Chmod Chown Faccessat Fchmodat Fchownat Fstatat Lchown Link Linkat Lstat Mkdir
			Mkdirat Open Openat Openat2 Readlink Readlinkat Rename Renameat Renameat2 Rmdir Stat Statfs Statx Symlink
			Symlinkat Syscall Syscall6 Truncate Unlink Unlinkat Utimes UtimesNano UtimesNanoAt`),
	}
	exceptions := map[string][]string{
		"os":   {"accounts.go", "banfile.go", "folder.go"},
		"unix": {"host_unix.go", "fstatat_linux_fast.go", "fstatat_linux_other.go", "place_linux.go"},
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := call.X.(*ast.Ident)
			if ok && slices.Contains(dangerous[pkg.Name], call.Sel.Name) && !slices.Contains(exceptions[pkg.Name], name) {
				t.Errorf("%s calls %s.%s, which may lead out of a home", name, pkg.Name, call.Sel.Name)
			}
			return true
		})
	}
}
