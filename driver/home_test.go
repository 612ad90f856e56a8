package driver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

const secret = "nobody in a home may see this"

// world is a folder with a home in it and something outside that home.
type world struct {
	t       testing.TB
	folder  string
	home    string
	outside string
	ledger  *ledger // of the home
}

// newWorld makes
//
//	home/file, home/dir/below, home/empty/
//	outside/secret
func newWorld(t *testing.T) world { return newWorldIn(t, t.TempDir()) }

func newWorldIn(t testing.TB, folder string) world {
	t.Helper()
	w := world{t, folder, filepath.Join(folder, "home"), filepath.Join(folder, "outside"), newTestLedger()}
	for _, dir := range []string{w.outside, filepath.Join(w.home, "dir"), filepath.Join(w.home, "empty")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.write(filepath.Join(w.outside, "secret"), secret)
	w.write(filepath.Join(w.home, "file"), "content")
	w.write(filepath.Join(w.home, "dir", "below"), "deep")
	return w
}

func (w world) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// link makes a symbolic link in the home.
func (w world) link(target, name string) {
	w.t.Helper()
	if err := os.Symlink(target, filepath.Join(w.home, name)); err != nil {
		w.t.Fatal(err)
	}
}

// open opens the home for a session that the test ends, with uploads in place.
func (w world) open(access Access) *Home {
	w.t.Helper()
	return w.openAs(&Account{Name: "alice", Access: access})
}

// atomically is how uploads are treated unless the operator says otherwise.
var atomically = Files{Atomic: true, KeepPartial: time.Hour}

// openWith is open with other rules for files.
func (w world) openWith(access Access, files Files) *Home {
	w.t.Helper()
	return w.openAs(&Account{Name: "alice", Access: access, files: files})
}

// openAs opens the home for a session of an account.
func (w world) openAs(a *Account) *Home {
	w.t.Helper()
	a.home, a.ledger = w.home, w.ledger
	w.ledger.configure(a.files.KeepPartial, a.quota)
	h, err := a.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := h.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return h
}

// wantOutside checks that what lies outside the home is as it was.
func (w world) wantOutside() {
	w.t.Helper()
	for folder, want := range map[string]string{w.folder: "home outside", w.outside: "secret"} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			w.t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); got != want {
			w.t.Errorf("files in %s: got %q, want %q", filepath.Base(folder), got, want)
		}
	}
	w.wantFile(filepath.Join(w.outside, "secret"), secret)
	info, err := os.Stat(filepath.Join(w.outside, "secret"))
	if err != nil {
		w.t.Fatal(err)
	}
	if got := info.Mode(); got != 0o644 {
		w.t.Errorf("mode of the file outside: got %v, want 0644", got)
	}
}

func (w world) wantFile(name, want string) {
	w.t.Helper()
	if got, err := os.ReadFile(name); err != nil || string(got) != want {
		w.t.Errorf("content of %s: got %q, %v, want %q", filepath.Base(name), got, err, want)
	}
}

// partials are those in the home, as paths in it.
func (w world) partials() (found []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.home, func(name string, _ fs.DirEntry, err error) error {
		if isPartial(filepath.Base(name)) {
			rel, _ := filepath.Rel(w.home, name)
			found = append(found, rel)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func (w world) wantNoPartials() {
	w.t.Helper()
	if got := w.partials(); len(got) > 0 {
		w.t.Errorf("partials left over: %q", got)
	}
}

// wantLinks checks that these are still symbolic links.
func (w world) wantLinks(names ...string) {
	w.t.Helper()
	for _, name := range names {
		if info, err := os.Lstat(filepath.Join(w.home, name)); err != nil || info.Mode().Type() != fs.ModeSymlink {
			w.t.Errorf("%s is no link any more: %v, %v", name, info, err)
		}
	}
}

// everyCall makes every call that takes a name, and yields its error.
func everyCall(h *Home, name string, yield func(call string, err error)) {
	closing := func(c io.Closer, err error) error {
		if err == nil {
			return c.Close()
		}
		return err
	}
	var now time.Time
	_, errStat := h.Stat(name)
	yield("Stat", errStat)
	_, errDir := h.ReadDir(name)
	yield("ReadDir", errDir)
	_, errSpace := h.GetAvailableSpace(name)
	yield("GetAvailableSpace", errSpace)
	yield("Open", closing(h.Open(name)))
	yield("RETR", closing(h.GetHandle(name, os.O_RDONLY, 0)))
	yield("RETR beyond the end", closing(h.GetHandle(name, os.O_RDONLY, 1<<40)))
	yield("Chmod", h.Chmod(name, 0o700))
	yield("Chown", h.Chown(name, 1, 1))
	yield("Chtimes", h.Chtimes(name, now, now))
	yield("STOR", closing(h.GetHandle(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0)))
	yield("STOR beyond the end", closing(h.GetHandle(name, os.O_WRONLY|os.O_CREATE, 1<<40)))
	yield("APPE", closing(h.GetHandle(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0)))
	yield("Create", closing(h.Create(name)))
	yield("Mkdir", h.Mkdir(name, 0))
	yield("MkdirAll", h.MkdirAll(name, 0))
	yield("Rename to", h.Rename("/file", name))
	yield("Rename from", h.Rename(name, "/moved"))
	yield("Remove", h.Remove(name))
	yield("RemoveDir", h.RemoveDir(name))
	yield("RemoveAll", h.RemoveAll(name))
}

func TestNothingLeavesTheHome(t *testing.T) {
	tests := map[string]struct{ target, name string }{
		"a relative link to a file":          {"../outside/secret", "/link"},
		"an absolute link to a file":         {"OUTSIDE/secret", "/link"},
		"a relative link to a directory":     {"../outside", "/link/secret"},
		"an absolute link to a directory":    {"OUTSIDE", "/link/secret"},
		"a link to a new file outside":       {"../outside/new", "/link"},
		"a new file behind a directory link": {"../outside", "/link/new"},
		"a link through a directory and up":  {"dir/../../outside/secret", "/link"},
		"a chain of links":                   {"second", "/link/secret"},
		"a link that ends in a slash":        {"second/", "/link/secret"}, // CVE-2026-39822
		"a link to a file with a slash":      {"../outside/secret/", "/link"},
		"a link to the parent":               {"..", "/link/outside/secret"},
		"dots in the name":                   {"file", "/../outside/secret"},
		"dots after a directory":             {"file", "/dir/../../outside/secret"},
		"dots without a slash":               {"file", "../outside/secret"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.link("../outside", "second")
			w.link(strings.Replace(test.target, "OUTSIDE", w.outside, 1), "link")
			for _, h := range []*Home{w.open(ReadWrite), w.openWith(ReadWrite, atomically)} {
				if data, err := read(h, test.name); err == nil || data != "" {
					t.Errorf("read %s: got %q, %v, want an error", test.name, data, err)
				}
				everyCall(h, test.name, func(string, error) { w.wantOutside() })
			}
		})
	}
}

func read(h *Home, name string) (string, error) {
	f, err := h.GetHandle(name, os.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(f)
	return string(data), errors.Join(err, f.Close())
}

func TestALinkThatLeadsOutCountsAsForbidden(t *testing.T) {
	w := newWorld(t)
	w.link("../outside/secret", "out")
	if _, err := w.open(ReadWrite).Stat("/out"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Stat: got %v, want permission denied", err)
	}
}

func TestLinksInsideTheHomeWork(t *testing.T) {
	w := newWorld(t)
	w.link("dir", "link")
	w.link("../file", "dir/up")
	h := w.open(ReadWrite)
	for name, want := range map[string]string{"/link/below": "deep", "/link/up": "content"} {
		if got, err := read(h, name); err != nil || got != want {
			t.Errorf("read %s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestASwappedDirectoryLeadsNowhere has somebody on the host exchange a
// directory for a link to the outside, again and again, while a client uses it.
func TestASwappedDirectoryLeadsNowhere(t *testing.T) {
	w := newWorld(t)
	h := w.openWith(ReadWrite, atomically)
	dir, parked := filepath.Join(w.home, "dir"), filepath.Join(w.home, "parked")
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for err == nil {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
				err = errors.Join(os.Rename(dir, parked), os.Symlink(w.outside, dir), os.Remove(dir), os.Rename(parked, dir))
			}
		}
		stopped <- err
	}()
	for range 300 {
		if data, _ := read(h, "/dir/secret"); data == secret {
			t.Fatal("the file outside was read")
		}
		if f, err := h.Create("/dir/new"); err == nil {
			_ = f.Close()
		}
		_ = sendAt(h, "/dir/secret", overwrite, 0)
		_ = h.Chmod("/dir/secret", 0o600)
		_ = h.Mkdir("/dir/newdir", 0)
		_ = h.Remove("/dir/secret")
		if entries, _ := h.ReadDir("/dir"); len(entries) > 0 && entries[0].Name() == "secret" {
			t.Fatal("the folder outside was listed")
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	w.wantOutside()
}

func TestNoErrorNamesTheHostPath(t *testing.T) {
	for _, access := range []Access{ReadWrite, ReadOnly, UploadOnly} {
		for _, name := range []string{"/file", "/dir", "/missing", "/missing/below", "/file/below", "/out", "/out/x", "/", "/bad\nname", strings.Repeat("x", 300)} {
			w := newWorld(t)
			w.link("../outside", "out")
			everyCall(w.openWith(access, atomically), name, func(call string, err error) {
				if err == nil {
					return
				}
				if strings.Contains(err.Error(), w.folder) || strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("%s %s of %q: the error tells too much: %q", access, call, name, err)
				}
				var pathError *fs.PathError
				if !errors.As(err, &pathError) || !strings.HasPrefix(pathError.Path, "/") {
					t.Errorf("%s %s of %q: got %#v, want a PathError with an FTP path", access, call, name, err)
				}
			})
		}
	}
}

func TestNamesThatAreNotAllowed(t *testing.T) {
	for _, name := range []string{"/a\nb", "/a\rb", "/a\x00b", "/a\x1bb", "/a\x7fb", "/dir\n/b", "/a\u009bb", "/.natftpd-x.part", "/.NATFTPD-x.Part", "/.natftpd-x.part. .", "/dir/.natftpd-.part/b"} {
		everyCall(newWorld(t).openWith(ReadWrite, atomically), name, func(call string, err error) {
			if !errors.Is(err, ftpserver.ErrFileNameNotAllowed) {
				t.Errorf("%s of %q: got %v, want file name not allowed", call, name, err)
			}
		})
	}
}

func TestNoNameIsLongerThanTheHostsOwn(t *testing.T) {
	w := newWorld(t)
	deepest := strings.Repeat("/d", maxName/2)
	if err := os.MkdirAll(w.home+"/dir"+deepest[:3000], 0o755); err != nil {
		t.Fatal(err)
	}
	everyCall(w.openWith(ReadWrite, atomically), "/dir"+deepest, func(call string, err error) {
		if !errors.Is(err, syscall.ENAMETOOLONG) {
			t.Errorf("%s: got %v, want that the name is too long", call, err)
		}
	})
	if err := w.open(ReadWrite).Mkdir("/dir"+deepest[:3000]+"/x", 0); err != nil {
		t.Error(err)
	}
}

func TestNamesOfAnyLanguageWork(t *testing.T) {
	h := newWorld(t).open(ReadWrite)
	for _, name := range []string{"/späße", "/日本語", "/with space", "/-rf", "/latin\xe4\x9b"} {
		if err := h.Mkdir(name, 0); err != nil {
			t.Errorf("Mkdir %q: %v", name, err)
		}
	}
}

func TestTheHomeItselfStays(t *testing.T) {
	for _, name := range []string{"/", "", ".", "/dir/..", "/.."} {
		h := newWorld(t).open(ReadWrite)
		for call, err := range map[string]error{
			"Remove": h.Remove(name), "RemoveDir": h.RemoveDir(name), "RemoveAll": h.RemoveAll(name),
			"Rename from": h.Rename(name, "/x"), "Rename to": h.Rename("/dir", name), "Chmod": h.Chmod(name, 0),
		} {
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s %q: got %v, want permission denied", call, name, err)
			}
		}
		if got, err := read(h, "/file"); got != "content" {
			t.Errorf("after trying %q: got %q, %v", name, got, err)
		}
	}
}

func TestAClosedHomeRefuses(t *testing.T) {
	w := newWorld(t)
	h := w.open(ReadWrite)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Stat("/file"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Stat: got %v, want already closed", err)
	}
}

// FuzzNamesStayInTheHome compares with what path.Clean and the host make of a
// name, and sees that no call touches anything outside.
func FuzzNamesStayInTheHome(f *testing.F) {
	for _, name := range []string{"/file", "../outside/secret", "/dir/../..//outside/", "link/secret", "/dir/./below", "//", "\\..\\outside", "C:secret", "/link/../file", "/.natftpd-1-0.part", "/dir/.natftpd-.part/x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		w := newWorld(t)
		w.link("../outside", "link")
		h := w.openWith(ReadWrite, atomically)
		got, err := h.Stat(name)
		want, wantErr := os.Stat(hostPath(w.home, name))
		if err == nil && (wantErr != nil || !sameFile(got, want)) {
			t.Errorf("Stat %q: got %s, the host says %v, %v", name, got.Name(), want, wantErr)
		}
		everyCall(h, name, func(string, error) {})
		w.wantOutside()
	})
}

// hostPath is the oracle: a name taken literally, below the home.
func hostPath(home, name string) string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			parts = parts[:max(0, len(parts)-1)]
		default:
			parts = append(parts, part)
		}
	}
	return filepath.Join(home, filepath.Join(parts...))
}
