package driver

import (
	"errors"
	"io/fs"
	"os"
)

// folder is the directory of a home, opened once for all sessions in it: ten
// thousand of them must not cost as many descriptors.
type folder struct {
	root  *os.Root
	start *os.File    // the same for openBeneath; nil: the kernel has no such thing
	info  fs.FileInfo // whose identity counts
	// closesSilently: of files on the device that the folder lies on, closing
	// tells nothing.
	closesSilently bool
	users          int // guarded by ledger.mu
}

// enter opens the directory that the operator's name for a home leads to now,
// for one session that leaves it. Sessions stay in theirs when another comes in
// its place, such as a disk that is mounted later.
func (l *ledger) enter(home string) (*folder, error) {
	info, err := os.Stat(home)
	if err != nil {
		return nil, err
	}
	if f := l.admit(info, nil); f != nil {
		return f, nil
	}
	opened, err := openFolder(home, l.stepByStep)
	if err != nil {
		return nil, err
	}
	f := l.admit(opened.info, opened)
	if f != opened {
		_ = opened.close() // another session was faster
	}
	return f, nil
}

func openFolder(home string, stepByStep bool) (*folder, error) {
	root, err := os.OpenRoot(home)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err != nil {
		_ = root.Close() // nothing was done in it
		return nil, err
	}
	f := &folder{root: root, info: info}
	if !stepByStep {
		f.start = startBeneath(root)
		f.closesSilently = f.start != nil && closesSilently(f.start)
	}
	return f, nil
}

func (f *folder) close() error {
	err := f.root.Close()
	if f.start != nil {
		err = errors.Join(err, f.start.Close())
	}
	return err
}

// admit counts a session in where the directory is open, or else opened if that
// is not nil.
func (l *ledger) admit(info fs.FileInfo, opened *folder) *folder {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.folder; f != nil && os.SameFile(f.info, info) {
		f.users++
		return f
	}
	if opened != nil {
		l.folder = opened
		opened.users = 1
	}
	return opened
}

// leave counts a session out; the last one closes the directory.
func (l *ledger) leave(f *folder) error {
	l.mu.Lock()
	f.users--
	last := f.users == 0
	if last && l.folder == f {
		l.folder = nil
	}
	l.mu.Unlock()
	if !last {
		return nil
	}
	return f.close()
}
