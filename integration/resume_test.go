//go:build linux

package integration

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"natftpd/integration/lab"
)

// resumption is a way to complete a broken upload.
type resumption struct {
	name string
	do   func(t *testing.T, s *local, file string, whole []byte)
}

var resumptions = []resumption{
	{"REST and STOR from where SIZE says", func(t *testing.T, s *local, file string, whole []byte) {
		c := s.login(t)
		size := c.mustBePartial(t, file, whole)
		if _, err := c.ask(350, fmt.Sprintf("REST %d", size)); err != nil {
			t.Fatal(err)
		}
		c.mustSend(t, s, "STOR "+file, whole[size:])
	}},
	{"APPE from where SIZE says", func(t *testing.T, s *local, file string, whole []byte) {
		c := s.login(t)
		c.mustSend(t, s, "APPE "+file, whole[c.mustBePartial(t, file, whole):])
	}},
	{"curl -C -", func(t *testing.T, s *local, file string, whole []byte) {
		mustRun(t, "curl", "-sS", "--max-time", "20", "--user", user+":"+password, "-C", "-", "-T", onDisk(t, whole), fmt.Sprintf("ftp://%s/%s", s.addr, file))
	}},
	{"lftp put -c", func(t *testing.T, s *local, file string, whole []byte) {
		mustRun(t, "lftp", "--norc", "-c", fmt.Sprintf("set cmd:fail-exit yes; set net:max-retries 1; set ftp:ssl-allow no; open -u %q,%q ftp://%s; put -c %q -o %q", user, password, s.addr, onDisk(t, whole), file))
	}},
}

// mustBePartial asks how much of a file arrived, which must be some and not all.
func (s *session) mustBePartial(t *testing.T, file string, whole []byte) int {
	t.Helper()
	text, err := s.ask(213, "SIZE "+file)
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.Atoi(text)
	if err != nil || size <= len(oldContent) || size >= len(whole) {
		t.Fatalf("SIZE %s: got %s (%v), want the part that arrived of %d", file, text, err, len(whole))
	}
	return size
}

func (s *session) mustSend(t *testing.T, l *local, command string, content []byte) {
	t.Helper()
	data, err := s.open(l, command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := data.Write(content); err != nil {
		t.Error(err)
	}
	data.Close()
	if _, err := s.reply(226, command); err != nil {
		t.Fatal(err)
	}
}

func onDisk(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whole")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustRun(t *testing.T, name string, args ...string) {
	t.Helper()
	lab.RequireTools(t, map[string]string{name: name})
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// oldContent is what a file holds before the upload that breaks.
var oldContent = []byte("the old content, which stays until the new one is whole\n")

// oldFile and newFile are the targets of an upload that breaks.
const oldFile, newFile = "old.bin", "new.bin"

func TestAKilledServerLeavesOldFilesWholeAndUploadsToBeResumed(t *testing.T) {
	for _, way := range resumptions {
		for _, file := range []string{oldFile, newFile} {
			t.Run(way.name+" of "+file, func(t *testing.T) {
				t.Parallel()
				s := configureLocal(t, "upload: atomic")
				s.start(t)
				s.write(t, oldFile, oldContent)
				whole := random(t, 1<<20)
				s.sendHalf(t, file, whole)
				s.Stop(t, syscall.SIGKILL, stopWithin)
				mustHold(t, filepath.Join(s.home, oldFile), oldContent)
				s.start(t)
				s.mustShowOnly(t, oldFile)
				way.do(t, s, file, whole)
				mustHold(t, filepath.Join(s.home, file), whole)
				mustBeAlone(t, s.home, oldFile, file)
			})
		}
	}
}

func (s *local) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.home, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sendHalf begins an upload and waits until half of it has arrived. It returns the
// session that does it.
func (s *local) sendHalf(t *testing.T, file string, whole []byte) *session {
	t.Helper()
	c := s.login(t)
	data, err := c.open(s, "STOR "+file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	half := len(whole) / 2
	if _, err := data.Write(whole[:half]); err != nil {
		t.Fatal(err)
	}
	lab.Await(t, answerWithin, func() error {
		for _, name := range names(t, s.home) {
			if info, err := os.Stat(filepath.Join(s.home, name)); err == nil && info.Size() == int64(half) {
				return nil
			}
		}
		return fmt.Errorf("no file of %d bytes in %v", half, names(t, s.home))
	})
	return c
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name())
	}
	return names
}

// mustBeAlone says what lies in a folder, hidden files too.
func mustBeAlone(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, name := range names(t, dir) {
		if !slices.Contains(files, name) {
			t.Errorf("%s lies in the home", name)
		}
	}
}

// mustShowOnly looks for what a client finds: the old file, whole, and no trace of
// the partial of another, which it can't even reach by its name.
func (s *local) mustShowOnly(t *testing.T, file string) {
	t.Helper()
	c := s.login(t)
	for _, command := range []string{"MLSD", "LIST -a", "NLST -a"} {
		listing := c.mustList(t, s, command)
		for line := range strings.Lines(listing) {
			name := strings.Fields(line)[len(strings.Fields(line))-1]
			if name != file && name != "." && name != ".." && !strings.Contains(line, "type=cdir") && !strings.Contains(line, "type=pdir") {
				t.Errorf("%s shows %q", command, line)
			}
		}
	}
	if got, err := c.download(s, file); err != nil || !bytes.Equal(got, oldContent) {
		t.Errorf("RETR %s: got %d bytes (%v), want the %d old ones", file, len(got), err, len(oldContent))
	}
	for _, name := range names(t, s.seenHome()) {
		if name != file {
			c.mustNotReach(t, name)
		}
	}
}

func (s *session) mustNotReach(t *testing.T, name string) {
	t.Helper()
	if _, err := s.epsv(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"SIZE", "MLST", "RNFR", "DELE", "RETR"} {
		if _, err := s.ask(55, command+" "+name); err != nil { // 550 or 553
			t.Error(err)
		}
	}
}

func (s *session) mustList(t *testing.T, l *local, command string) string {
	t.Helper()
	data, err := s.open(l, command)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(data); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reply(226, command); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func random(t *testing.T, size int) []byte {
	t.Helper()
	content := make([]byte, size)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	return content
}
