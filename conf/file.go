package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// SearchPaths are the files that are looked for when none is named, the first
// that exists wins: one in the working directory, the user's own, the machine's.
func SearchPaths() []string {
	paths := []string{"natftpd.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		paths = append(paths, filepath.Join(dir, "natftpd", "natftpd.yaml"))
	}
	return append(paths, "/etc/natftpd/natftpd.yaml")
}

func (l *loader) readFile() {
	var content []byte
	l.Path, content = l.find()
	if l.Path == "" {
		return
	}
	var root *node
	if content != nil {
		root = reader{file: l.Path, report: l.report}.read(content)
	}
	if root == nil {
		l.broken["users"] = true // Whether there are any is not known.
		return
	}
	fill(&l.Config, l.rows, root, l, scope{})
}

// find reads the file that counts. No path: there is none. No content: it can't be
// read, which is noted.
func (l *loader) find() (path string, content []byte) {
	at := place{source: "flag --config"}
	path = l.source.Path
	if path == "" {
		path, at = l.env[envConfig], envPlace(envConfig)
	}
	if path != "" {
		content, err := readAll(path)
		if err != nil {
			l.wrong(at, "", err.Error(), "name a file that can be read; natftpd config example prints one to begin with")
		}
		return path, content
	}
	search := l.source.Search
	if search == nil {
		search = SearchPaths()
	}
	for _, path := range search {
		content, err := readAll(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			l.wrong(place{source: path}, "", err.Error(), "make it readable, or name another file with --config")
		}
		return path, content
	}
	return "", nil
}

// mostBytes is far more than any configuration has.
const mostBytes = 1 << 20

// readAll returns the content of a file, not nil unless there is an error.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > mostBytes:
		return nil, fmt.Errorf("%s is larger than 1 MiB, which no configuration is", path)
	}
	return content, nil
}
