package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// switcher exchanges folders and files of a home for links to the outside, each in
// one step. It holds on to its folders by descriptors: it must not be led outside
// by its own links.
type switcher struct {
	home, dir, spare int
	all              []switched
	times            int
}

// switched is a name in a folder that takes turns with a link.
type switched struct {
	folder *int
	name   string
	spare  string // what it takes turns with, in the folder for that
	file   bool
	link   string // where it leads, seen from where it lies
}

func newSwitcher(t *testing.T, home string) *switcher {
	t.Helper()
	s := &switcher{}
	outside := filepath.Join(filepath.Dir(home), "outside")
	s.all = []switched{
		{&s.home, "dir", "dir", false, "../outside"},
		{&s.dir, "sub", "sub", false, "../../outside/sub"},
		{&s.dir, "f", "dir-f", true, outside + "/f"},
		{&s.home, "f", "f", true, "../outside/f"},
		{&s.home, "moved", "moved", false, outside},
	}
	for _, open := range []struct {
		fd   *int
		path string
	}{{&s.home, home}, {&s.dir, home + "/dir"}, {&s.spare, home + "/.spare"}} {
		if err := os.MkdirAll(open.path, 0o755); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Open(open.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		*open.fd = fd
	}
	return s
}

func (s *switcher) run(end time.Time) error {
	for time.Now().Before(end) {
		one := s.all[rand.IntN(len(s.all))]
		err := unix.Renameat2(*one.folder, one.name, s.spare, one.spare, unix.RENAME_EXCHANGE)
		switch {
		case err == nil:
			s.times++
		case errors.Is(err, unix.ENOENT): // at first, or a client has renamed or deleted it
			s.restore(one)
		default:
			return fmt.Errorf("exchange %s for a link: %w", one.name, err)
		}
	}
	return nil
}

// restore puts back what is missing; what is there stays.
func (s *switcher) restore(one switched) {
	if one.name == "dir" { // the one folder that s.dir is
		_ = unix.Renameat2(s.home, "renamed", s.home, "dir", unix.RENAME_NOREPLACE)
	}
	_ = unix.Symlinkat(one.link, s.spare, one.spare)
	if !one.file {
		_ = unix.Mkdirat(*one.folder, one.name, 0o755)
		return
	}
	if fd, err := unix.Openat(*one.folder, one.name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644); err == nil {
		_, _ = unix.Write(fd, []byte("what lies inside"))
		unix.Close(fd)
	}
}
