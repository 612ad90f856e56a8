package driver

import (
	"io/fs"
	"os"
)

// folder is the directory of a home, opened once for all sessions in it: ten
// thousand of them must not cost as many descriptors.
type folder struct {
	root  *os.Root
	info  fs.FileInfo // whose identity counts
	users int         // guarded by ledger.mu
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
	root, err := os.OpenRoot(home)
	if err != nil {
		return nil, err
	}
	if info, err = root.Stat("."); err != nil {
		_ = root.Close() // nothing was done in it
		return nil, err
	}
	f := l.admit(info, root)
	if f.root != root {
		_ = root.Close() // another session was faster
	}
	return f, nil
}

// admit counts a session in where the directory is open, or else opened if that
// is not nil.
func (l *ledger) admit(info fs.FileInfo, opened *os.Root) *folder {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.folder; f != nil && os.SameFile(f.info, info) {
		f.users++
		return f
	}
	if opened == nil {
		return nil
	}
	l.folder = &folder{root: opened, info: info, users: 1}
	return l.folder
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
	return f.root.Close()
}
