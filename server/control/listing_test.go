//go:build unix

package control_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tree fills a home: two files, a folder with one more, an old and a future
// file, links and names that are hard.
func tree(t *testing.T, s *service) {
	t.Helper()
	for name, content := range map[string]string{"a.txt": "alpha", "b.txt": "be", "dir/inner.txt": "inner", "old": "", "future": "", "with space": "x", "star*name": "s", "-l": "dash"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(s.home, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		s.write(name, []byte(content))
	}
	times := map[string]time.Time{"old": time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC), "future": time.Now().AddDate(2, 0, 0)}
	for name, when := range times {
		if err := os.Chtimes(filepath.Join(s.home, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(s.home, "leak")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(s.home, "dir"), 0o755|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(s.home, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// names are the last fields of a listing.
func linesOf(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n")
}

func TestLIST(t *testing.T) {
	s := serve(t, nil)
	tree(t, s)
	c := s.login()
	got := c.download("LIST", c.pasv())
	want := []string{
		`-rw-r--r-- 1 ftp      ftp                 4 \w{3} [ \d]\d \d\d:\d\d -l`,
		`-rw-r--r-- 1 ftp      ftp                 5 \w{3} [ \d]\d \d\d:\d\d a\.txt`,
		`-rw-r--r-- 1 ftp      ftp                 2 \w{3} [ \d]\d \d\d:\d\d b\.txt`,
		`drwxr-xr-t 1 ftp      ftp      +\d+ \w{3} [ \d]\d \d\d:\d\d dir`,
		`-rw-r--r-- 1 ftp      ftp                 0 \w{3} [ \d]\d  20\d\d future`,
		`lrwxrwxrwx 1 ftp      ftp      +\d+ \w{3} [ \d]\d \d\d:\d\d leak`,
		`-rw-r--r-- 1 ftp      ftp                 0 Feb  3  2001 old`,
		`prw------- 1 ftp      ftp                 0 \w{3} [ \d]\d \d\d:\d\d pipe`,
		`-rw-r--r-- 1 ftp      ftp                 1 \w{3} [ \d]\d \d\d:\d\d star\*name`,
		`-rw-r--r-- 1 ftp      ftp                 1 \w{3} [ \d]\d \d\d:\d\d with space`,
	}
	lines := linesOf(got)
	if len(lines) != len(want) {
		t.Fatalf("got %d lines, want %d:\n%s", len(lines), len(want), got)
	}
	for i, w := range want {
		if !regexp.MustCompile("^" + w + "$").MatchString(lines[i]) {
			t.Errorf("line %d: got %q, want %s", i, lines[i], w)
		}
	}
}

func TestNamesInListings(t *testing.T) {
	s := serve(t, nil)
	tree(t, s)
	c := s.login()
	for _, l := range []struct {
		command string
		want    []string
	}{
		{"NLST", []string{"-l", "a.txt", "b.txt", "dir", "future", "leak", "old", "pipe", "star*name", "with space"}},
		{"NLST *.txt", []string{"a.txt", "b.txt"}},
		{"NLST -1 *.txt", []string{"a.txt", "b.txt"}},
		{"NLST dir", []string{"dir/inner.txt"}},
		{"NLST /dir", []string{"/dir/inner.txt"}},
		{"NLST /dir/*", []string{"/dir/inner.txt"}},
		{"NLST dir/i?ner.txt", []string{"dir/inner.txt"}},
		{"NLST star*name", []string{"star*name"}}, // what exists is no pattern
		{"NLST -l", []string{"-l"}},               // nor an option
		{"NLST a.txt", []string{"a.txt"}},
		{"NLST -la dir", []string{"dir/inner.txt"}},
	} {
		got := linesOf(c.download(l.command, c.pasv()))
		if !slices.Equal(got, l.want) {
			t.Errorf("%s: got %q, want %q", l.command, got, l.want)
		}
	}
	for _, command := range []string{"NLST *.none", "NLST nowhere", "LIST nowhere", "MLSD nowhere", "LIST ../../etc/none", "NLST [", "LIST leak"} {
		c.pasv()
		if got := c.cmd(command, ""); !strings.HasPrefix(got, "550") {
			t.Errorf("%s: got %q, want 550", command, got)
		}
	}
	c.cmd("MLSD a.txt", "501")
	c.cmd("CWD dir", "250")
	if got := linesOf(c.download("NLST", c.pasv())); !slices.Equal(got, []string{"inner.txt"}) {
		t.Errorf("in a folder: got %q", got)
	}
	if got := linesOf(c.download("NLST ..", c.pasv())); !slices.Contains(got, "../a.txt") {
		t.Errorf("of the folder above: got %q", got)
	}
}

func TestFacts(t *testing.T) {
	s := serve(t, nil)
	tree(t, s)
	c := s.login()
	got := linesOf(c.download("MLSD", c.pasv()))
	for _, want := range []string{
		`^type=file;size=5;modify=\d{14};perm=adfrw;unique=[0-9a-f]+g[0-9a-f]+;UNIX\.mode=0644; a\.txt$`,
		`^type=dir;modify=\d{14};perm=cdeflmp;unique=[0-9a-f]+g[0-9a-f]+;UNIX\.mode=1755; dir$`,
		`^type=file;size=0;modify=20010203040506;.* old$`,
		`^type=OS\.unix=symlink;.* leak$`,
		`^type=OS\.unix=special;.* pipe$`,
	} {
		if !slices.ContainsFunc(got, regexp.MustCompile(want).MatchString) {
			t.Errorf("no line is %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if got := c.cmd("MLST dir/inner.txt", "250-"); !regexp.MustCompile(`\r\n type=file;size=5;.*; /dir/inner\.txt\r\n250 `).MatchString(got) {
		t.Errorf("MLST: %q", got)
	}
	if got := c.cmd("MLST", "250-"); !strings.Contains(got, " type=cdir;") {
		t.Errorf("MLST of the working directory: %q", got)
	}
	c.cmd("OPTS MLST size;nonsense;TYPE;", "200 MLST OPTS type;size;")
	if got := c.cmd("MLST a.txt", "250-"); !strings.Contains(got, "\r\n type=file;size=5; /a.txt\r\n") {
		t.Errorf("after OPTS: %q", got)
	}
	if got := c.cmd("FEAT", "211-"); !strings.Contains(got, " MLST type*;size*;modify;perm;unique;UNIX.mode;\r\n") {
		t.Errorf("FEAT after OPTS: %q", got)
	}
	c.cmd("OPTS MLST", "200 MLST OPTS")
	if got := c.cmd("MLST a.txt", "250-"); !strings.Contains(got, "\r\n  /a.txt\r\n") {
		t.Errorf("without facts: %q", got)
	}
	c.cmd("MLST nowhere", "550")
}

func TestSTATOfAPath(t *testing.T) {
	s := serve(t, nil)
	tree(t, s)
	c := s.login()
	if got := c.cmd("STAT a.txt", "213-"); !regexp.MustCompile(`\r\n -rw-r--r-- .* a\.txt\r\n213 `).MatchString(got) {
		t.Errorf("a file: %q", got)
	}
	if got := c.cmd("STAT dir", "212-"); !regexp.MustCompile(`\r\n -rw-r--r-- .* inner\.txt\r\n212 `).MatchString(got) {
		t.Errorf("a folder: %q", got)
	}
	c.cmd("STAT nowhere", "550")
}

func TestAnEmptyFolderIsAnEmptyListing(t *testing.T) {
	c := serve(t, nil).login()
	for _, command := range []string{"LIST", "NLST", "MLSD", "LIST -la", "LIST /"} {
		if got := c.download(command, c.pasv()); got != "" {
			t.Errorf("%s: got %q", command, got)
		}
	}
}

func TestALargeFolderIsListedWhole(t *testing.T) {
	s := serve(t, nil)
	const n = 9000 // more than are sorted
	for i := range n {
		s.write(fmt.Sprintf("file%05d", i), nil)
	}
	c := s.login()
	got := linesOf(c.download("NLST", c.pasv()))
	slices.Sort(got)
	if len(got) != n || got[0] != "file00000" || got[n-1] != "file08999" || len(slices.Compact(got)) != n {
		t.Errorf("got %d names", len(got))
	}
	c.cmd("STAT /", "450")
	c.cmd("MKD small", "257")
	if got := c.download("LIST small", c.pasv()); got != "" {
		t.Errorf("an empty folder after it: got %q", got)
	}
}

func TestRESTIsForgottenAfterAListing(t *testing.T) {
	s := serve(t, nil)
	s.write("f", []byte("0123456789"))
	c := s.login()
	c.cmd("TYPE I", "200")
	c.cmd("REST 4", "350")
	if got := c.download("RETR f", c.pasv()); got != "456789" {
		t.Errorf("REST 4: got %q", got)
	}
	c.cmd("REST 4", "350")
	c.download("LIST", c.pasv())
	if got := c.download("RETR f", c.pasv()); got != "0123456789" {
		t.Errorf("after a listing: got %q", got)
	}
}

func TestRenamingTakesTwoCommandsInARow(t *testing.T) {
	s := serve(t, nil)
	s.write("f", nil)
	s.write("g", nil)
	c := s.login()
	c.cmd("RNTO x", "503")
	c.cmd("RNFR nowhere", "550")
	c.cmd("RNTO x", "503")
	c.cmd("RNFR f", "350")
	c.cmd("NOOP", "200")
	c.cmd("RNTO x", "503")
	c.cmd("RNFR f", "350")
	c.cmd("RNTO no/such/folder", "550")
	c.cmd("RNTO x", "503")
	c.cmd("RNFR f", "350")
	c.cmd("RNTO x", "250")
	s.stored("x")
}
