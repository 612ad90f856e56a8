package integration

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "natftpd/"

// imports says what each package may import of ours, in its code and, beyond
// that and itself, in its tests. Imports go one way: the command line knows every
// part, the server knows files and the Status, the loop knows its methods, and
// each of these knows nothing of what stands above or beside it. What imports
// natdiscovery/nattest, a fake router, integration/lab or integration/browser is a
// test, or one of these.
var imports = map[string]struct{ code, tests []string }{
	"cmd/natftpd": {code: []string{"cmd"}},
	"cmd": {
		code: []string{"conf", "driver", "natdiscovery", "natdiscovery/gateway", "natdiscovery/stun", "server", "server/control", "server/hooks", "server/lines", "server/status", "server/xferlog"},
	},

	"packaging/pages": {code: []string{"cmd"}},

	"conf":   {},
	"driver": {},

	"server": {
		code:  []string{"driver", "natdiscovery", "server/control", "server/data"},
		tests: []string{"natdiscovery/gateway"},
	},
	"server/control": {code: []string{"driver", "server/data"}},
	"server/data":    {},
	// Both are told, and ask nobody.
	"server/hooks":   {},
	"server/xferlog": {code: []string{"server/lines"}},
	"server/lines":   {},
	// The page shows what the others count; none of them knows of it.
	"server/status": {
		code:  []string{"driver", "natdiscovery", "server/control"},
		tests: []string{"integration/browser", "natdiscovery/gateway"},
	},

	"natdiscovery": {
		code: []string{"natdiscovery/gateway", "natdiscovery/natpmp", "natdiscovery/pcp", "natdiscovery/route",
			"natdiscovery/stun", "natdiscovery/upnp"},
		tests: []string{"natdiscovery/nattest"},
	},
	"natdiscovery/gateway": {},
	"natdiscovery/natpmp":  {code: []string{"natdiscovery/gateway"}, tests: []string{"natdiscovery/nattest"}},
	// PCP chooses between itself and its elder brother, whose port it shares.
	"natdiscovery/pcp": {
		code:  []string{"natdiscovery/gateway", "natdiscovery/natpmp"},
		tests: []string{"natdiscovery/nattest"},
	},
	"natdiscovery/upnp": {code: []string{"natdiscovery/gateway"}, tests: []string{"natdiscovery/nattest"}},
	// The table of special addresses is the gateway's as well as STUN's.
	"natdiscovery/stun":  {code: []string{"natdiscovery/gateway"}, tests: []string{"natdiscovery/nattest"}},
	"natdiscovery/route": {},
	// The fake shares no codec with what it tests.
	"natdiscovery/nattest": {code: []string{"natdiscovery/gateway"}},

	"integration":     {tests: []string{"integration/browser", "integration/lab", "integration/report"}},
	"integration/lab": {},
	// It asks the lab for programs as all tests do.
	"integration/browser": {code: []string{"integration/lab"}},
	"integration/report":  {},
	// The benchmark knows natftpd as its peers, from outside. Only what it builds to see
	// inside is natftpd itself.
	"integration/bench":          {code: []string{"integration/bench/flame", "integration/report"}},
	"integration/bench/flame":    {},
	"integration/bench/profiled": {code: []string{"cmd"}},
	// What the model runs in its own process, as the command line puts it together.
	"integration/model": {tests: []string{"driver", "natdiscovery", "server"}},
	"integration/contract": {tests: []string{
		"integration/lab", "natdiscovery/gateway", "natdiscovery/natpmp", "natdiscovery/nattest", "natdiscovery/pcp", "natdiscovery/upnp",
	}},
}

func TestImportsGoOneWay(t *testing.T) {
	all := packages(t)
	for name := range imports {
		if all[name] == nil {
			t.Errorf("package %s has its row here but is not there", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		allowed, ok := imports[name]
		if !ok {
			t.Errorf("package %s: say in this test what it may import", name)
			continue
		}
		for _, f := range all[name] {
			mayImport := allowed.code
			if f.test {
				mayImport = slices.Concat(allowed.code, allowed.tests, []string{name})
			}
			for _, imported := range f.ours {
				if !slices.Contains(mayImport, imported) {
					t.Errorf("%s imports %s, which package %s may not", f.path, imported, name)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for name, files := range packages(t) {
		onlyTests := !slices.ContainsFunc(files, func(f file) bool { return !f.test })
		if !slices.ContainsFunc(files, func(f file) bool { return f.documented && f.test == onlyTests }) {
			t.Errorf("package %s has no package comment", name)
		}
	}
}

// file is what this test reads of a Go file.
type file struct {
	path             string
	test, documented bool
	// ours are the packages of this project that it imports.
	ours []string
}

// packages reads the Go files of the project by their folder, for all systems.
func packages(t *testing.T) map[string][]file {
	t.Helper()
	all := map[string][]file{}
	const root = ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		hidden := d != nil && d.IsDir() && name != root && strings.HasPrefix(d.Name(), ".")
		switch {
		case err != nil:
			return err
		case hidden || d.IsDir() && d.Name() == "testdata":
			return filepath.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		all[folder] = append(all[folder], read(name, parsed))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(name string, parsed *ast.File) file {
	f := file{path: name, test: strings.HasSuffix(name, "_test.go"), documented: parsed.Doc.Text() != ""}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if ours, ok := strings.CutPrefix(imported, module); ok && err == nil {
			f.ours = append(f.ours, ours)
		}
	}
	return f
}
