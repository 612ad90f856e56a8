//go:build !linux

package driver

import "os"

// scan appends the next entries of an open directory, with nothing but their
// names if that is enough. Package os asks for each file relative to the
// directory where the host can. io.EOF: there are no more.
func scan(dir *os.File, to []Entry, namesOnly bool) ([]Entry, error) {
	if namesOnly {
		names, err := dir.Readdirnames(listBatch)
		for _, name := range names {
			if !isHidden(name) {
				to = append(to, Entry{name: name})
			}
		}
		return to, err
	}
	infos, err := dir.Readdir(listBatch)
	for _, info := range infos {
		if !isHidden(info.Name()) {
			to = append(to, *EntryOf(info))
		}
	}
	return to, err
}
