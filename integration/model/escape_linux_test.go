package model

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// canary is what files outside hold, canarySize how much of it and onlyOutside
	// the name that none inside has.
	canary      = "CANARY: nobody may read this. "
	canarySize  = 7777
	onlyOutside = "only-outside"

	escapeBrief, escapeLong = 5 * time.Second, time.Minute
)

// TestNobodyLeavesTheHome has clients do all they can, by FTP and straight at
// driver.Home, while folders and files turn into links to the outside and back.
// What lies there is never read, and not a byte, time or mode of it changes.
func TestNobodyLeavesTheHome(t *testing.T) {
	s := serve(t, true)
	outside := filepath.Join(filepath.Dir(s.home), "outside")
	makeCanaries(t, outside)
	before := look(t, outside)
	switcher := newSwitcher(t, s.home)
	end := time.Now().Add(escapeBrief)
	if long() {
		end = time.Now().Add(escapeLong)
	}
	var group errgroup.Group
	var done tally
	group.Go(func() error { return switcher.run(end) })
	for i := range 2 {
		group.Go(func() error { return s.intrude(t.Context(), end, &done) })
		group.Go(func() error { return s.intrudeByFTP(end, i == 1, &done) })
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	after := look(t, outside)
	for name := range before {
		if after[name] != before[name] {
			t.Errorf("%s: was %+v, is %+v", name, before[name], after[name])
		}
		delete(after, name)
	}
	for name := range after {
		t.Errorf("%s: is new", name)
	}
	t.Logf("%d times switched; %d attempts went well, %d were refused", switcher.times, done.well.Load(), done.refused.Load())
	if switcher.times == 0 || done.well.Load() == 0 || done.refused.Load() == 0 {
		t.Error("there was no race")
	}
}

// tally counts what intruders tried.
type tally struct{ well, refused atomic.Int64 }

func (d *tally) count(ok bool) {
	if ok {
		d.well.Add(1)
	} else {
		d.refused.Add(1)
	}
}

func makeCanaries(t *testing.T, outside string) {
	t.Helper()
	content := bytes.Repeat([]byte(canary), canarySize)[:canarySize]
	for _, name := range []string{"f", "sub/f", onlyOutside} {
		path := filepath.Join(outside, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// seen is all that could change of a file or a folder, but when it was read.
type seen struct {
	mode              fs.FileMode
	inode             uint64
	modified, changed syscall.Timespec
	sum               [sha256.Size]byte
}

func look(t *testing.T, dir string) map[string]seen {
	t.Helper()
	all := map[string]seen{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		one := seen{mode: info.Mode(), inode: st.Ino, modified: st.Mtim, changed: st.Ctim}
		if !d.IsDir() {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			one.sum = sha256.Sum256(content)
		}
		all[name] = one
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
