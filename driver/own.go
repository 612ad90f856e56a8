package driver

import (
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// maxOwn bounds what a session remembers as its own; beyond it the oldest is
// forgotten and counts as somebody else's. Clients come back to the file they
// have just sent, not to the one a thousand files ago.
const maxOwn = 256

// ownFiles remembers the files and directories that a session has made. The
// name alone would not do: somebody else may have put another file there. The
// zero value remembers nothing yet.
type ownFiles struct {
	mu    sync.Mutex
	files []ownFile // oldest first
}

type ownFile struct {
	name string // FTP path
	info fs.FileInfo
}

func (o *ownFiles) add(name string, info fs.FileInfo) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.files) >= maxOwn {
		o.files = slices.Delete(o.files, 0, 1)
	}
	o.files = append(o.files, ownFile{name, info})
}

// has reports whether the file that now has this name was made by the session.
func (o *ownFiles) has(name string, now fs.FileInfo) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.files, func(f ownFile) bool {
		return f.name == name && sameFile(f.info, now)
	})
}

// renamed follows a file, or a directory with what lies below it, to its new name.
func (o *ownFiles) renamed(from, to string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, f := range o.files {
		if rest, below := strings.CutPrefix(f.name, from); below && (rest == "" || rest[0] == '/') {
			o.files[i].name = to + rest
		}
	}
}
