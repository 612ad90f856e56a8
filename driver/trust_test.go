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
// names that the operator gave: homes, and the file of bans.
func TestOnlyRootsOpenNames(t *testing.T) {
	dangerous := strings.Fields(`Chdir Chmod Chown Chtimes CopyFS Create CreateTemp DirFS Lchown Link Lstat Mkdir MkdirAll
		MkdirTemp Open OpenFile OpenInRoot ReadDir ReadFile Readlink Remove RemoveAll Rename Stat Symlink Truncate WriteFile`)
	operators := []string{"accounts.go", "banfile.go", "folder.go"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(operators, name) {
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
			if ok && pkg.Name == "os" && slices.Contains(dangerous, call.Sel.Name) {
				t.Errorf("%s calls os.%s, which may lead out of a home", name, call.Sel.Name)
			}
			return true
		})
	}
}
