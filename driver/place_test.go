package driver

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

var stepByStep = flag.Bool("step-by-step", false, "open folders one by one, as where the kernel has no better way")

// newTestLedger is one that goes the way which the flag says.
func newTestLedger() *ledger {
	l := newLedger(nil)
	l.stepByStep = *stepByStep
	return l
}

// TestAllIsTheSameStepByStep runs the tests of homes once more, without the
// kernel's help.
func TestAllIsTheSameStepByStep(t *testing.T) {
	if *stepByStep {
		t.Skip("this is it")
	}
	if f := newWorld(t).open(ReadOnly).folder; f.start == nil {
		t.Skip("there is no other way")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-step-by-step", "-test.skip=Login|LogIn|Password|Ban|Guess|Sessions|Lock|Checks|Damaged|Mistakes|Sense|Long")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// inBothWays runs a test with the kernel's help and without. What it opens is
// closed at the end.
func inBothWays(t *testing.T, test func(t *testing.T, open func(home string) *folder)) {
	for name, inSteps := range map[string]bool{"in one call": false, "step by step": true} {
		t.Run(name, func(t *testing.T) {
			test(t, func(home string) *folder {
				t.Helper()
				f, err := openFolder(home, inSteps)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := f.close(); err != nil {
						t.Error(err)
					}
				})
				return f
			})
		})
	}
}

// openPlace opens a directory that is there.
func openPlace(t *testing.T, f *folder, dir string) place {
	t.Helper()
	p, err := f.place(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestAPlaceIsReachedInEitherWay or in none.
func TestAPlaceIsReachedInEitherWay(t *testing.T) {
	w := newWorld(t)
	deep := filepath.Join(w.home, "dir", "deep")
	if err := os.Mkdir(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"inside": "dir", "dir/up": "..", "dir/deep/sideways": "../../empty", "slash": "dir/", "second": "inside/up/inside",
		"outside": "../outside", "absolute": w.home + "/dir", "farther": w.outside, "dir/deep/out": "../../..",
		"around": "../home/dir", "loop": "loop", "dangling": "nowhere", "tofile": "file",
	} {
		w.link(target, name)
	}
	tests := map[string]struct {
		dir  string
		want string // the folder; empty: none
		err  error
	}{
		"a folder":                             {"dir/", "dir", nil},
		"a folder in a folder":                 {"dir/deep/", "dir/deep", nil},
		"detours":                              {"dir/./deep/../deep//", "dir/deep", nil},
		"a link":                               {"inside/", "dir", nil},
		"a link in the middle":                 {"inside/deep/", "dir/deep", nil},
		"a link that ends in a slash":          {"slash/deep/", "dir/deep", nil},
		"links that lead to links":             {"second/deep/", "dir/deep", nil},
		"a link upwards":                       {"dir/deep/sideways/", "empty", nil},
		"a link to the home":                   {"dir/up/dir/", "dir", nil},
		"dots after a link":                    {"dir/deep/sideways/../dir/", "dir", nil},
		"the home":                             {"./", ".", nil},
		"dots to the home":                     {"dir/..", ".", nil},
		"dots out of the home":                 {"../", "", fs.ErrPermission},
		"dots out of the home and back":        {"../home/dir/", "", fs.ErrPermission},
		"dots out of the home, late":           {"dir/../../outside/", "", fs.ErrPermission},
		"a link to the outside":                {"outside/", "", fs.ErrPermission},
		"a link to the outside, in the middle": {"dir/deep/out/outside/", "", fs.ErrPermission},
		"a link out and back":                  {"around/", "", fs.ErrPermission},
		"an absolute link":                     {"absolute/", "", fs.ErrPermission},
		"an absolute link to the outside":      {"farther/", "", fs.ErrPermission},
		"a link to itself":                     {"loop/", "", syscall.ELOOP},
		"a link to nothing":                    {"dangling/", "", fs.ErrNotExist},
		"nothing":                              {"none/", "", fs.ErrNotExist},
		"a file":                               {"file/", "", syscall.ENOTDIR},
		"below a file":                         {"file/dir/", "", syscall.ENOTDIR},
		"a link to a file":                     {"tofile/", "", syscall.ENOTDIR},
	}
	inBothWays(t, func(t *testing.T, open func(home string) *folder) {
		f := open(w.home)
		for name, test := range tests {
			p, err := f.place(test.dir)
			if !errors.Is(rootError(err), test.err) {
				t.Errorf("%s: got %v, want %v", name, err, test.err)
			}
			if err == nil {
				wantPlace(t, p, filepath.Join(w.home, test.want))
			}
		}
	})
}

// wantPlace checks that a place is this folder, and closes it twice.
func wantPlace(t *testing.T, p place, folder string) {
	t.Helper()
	want, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Lstat("."); err != nil || !sameFile(got, want) {
		t.Errorf("got %v, %v, want %s", got, err, folder)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
}

// TestAPlaceDoesWhatAnOSRootDoes to files right in it.
func TestAPlaceDoesWhatAnOSRootDoes(t *testing.T) {
	inBothWays(t, func(t *testing.T, open func(home string) *folder) {
		w := newWorld(t)
		w.link("../../outside/secret", "dir/out")
		p := openPlace(t, open(w.home), "dir/")
		at := func(name string) string { return filepath.Join(w.home, "dir", name) }

		if info, err := p.Lstat("out"); err != nil || info.Mode().Type() != fs.ModeSymlink || info.Name() != "out" {
			t.Errorf("Lstat of a link: got %v, %v", info, err)
		}
		if _, err := p.OpenFile("out", os.O_RDWR|os.O_CREATE, 0o666); err == nil {
			t.Error("OpenFile followed a link to the outside")
		}
		if _, err := p.Lstat("none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Lstat of nothing: got %v", err)
		}
		if err := p.Link("below", "out"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Link over a file: got %v", err)
		}
		if err := errors.Join(p.Link("below", "twin"), p.Rename("twin", "other"), p.Remove("below")); err != nil {
			t.Error(err)
		}
		w.wantFile(at("other"), "deep")
		if _, err := os.Lstat(at("below")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Remove left it: %v", err)
		}
		w.wantOutside()
	})
}

func TestNoNameLeadsOutOfAPlace(t *testing.T) {
	inBothWays(t, func(t *testing.T, open func(home string) *folder) {
		w := newWorld(t)
		p := openPlace(t, open(w.home), "dir/")
		for _, name := range []string{"..", "../file", "../../outside/secret", w.outside + "/secret", "", "../.."} {
			_, errLstat := p.Lstat(name)
			_, errOpen := p.OpenFile(name, os.O_RDONLY, 0)
			for call, err := range map[string]error{
				"Lstat": errLstat, "OpenFile": errOpen, "Remove": p.Remove(name),
				"Link from": p.Link(name, "new"), "Link to": p.Link("below", name), "Rename from": p.Rename(name, "new"), "Rename to": p.Rename("below", name),
			} {
				if err == nil {
					t.Errorf("%s %q: it went well", call, name)
				}
			}
		}
		w.wantOutside()
		if got, err := os.ReadDir(filepath.Join(w.home, "dir")); err != nil || len(got) != 1 || got[0].Name() != "below" {
			t.Errorf("in the folder: got %v, %v", got, err)
		}
	})
}
