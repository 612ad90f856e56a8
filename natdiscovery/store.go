package natdiscovery

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

const (
	journalName = "natdiscovery.json"
	// journalLimit holds a thousand ports several times over.
	journalLimit = 4 << 20
)

// store is the folder that the journal is kept in. "": it is not kept.
type store string

func (s store) path() string { return filepath.Join(string(s), journalName) }

// load reads the journal of an earlier run. Nothing about it is fatal: a file that
// can't be understood is set aside, and the operator told.
func (s store) load(log *slog.Logger) journal {
	if s == "" {
		return journal{}
	}
	data, err := s.read()
	if errors.Is(err, fs.ErrNotExist) {
		return journal{}
	}
	var j journal
	if err == nil {
		j, err = decodeJournal(data)
	}
	if err == nil {
		return j
	}
	aside := s.path() + ".broken"
	if moved := os.Rename(s.path(), aside); moved != nil {
		err = errors.Join(err, moved)
	}
	log.Warn("journal set aside: if the router still lists mappings of an earlier run, remove them there", "file", aside, "error", err)
	return journal{}
}

// peek reads the journal of a server that may be running, and changes nothing.
func (s store) peek() journal {
	if s == "" {
		return journal{}
	}
	data, err := s.read()
	if err != nil {
		return journal{}
	}
	j, err := decodeJournal(data)
	if err != nil {
		return journal{}
	}
	return j
}

func (s store) read() ([]byte, error) {
	f, err := os.Open(s.path())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, journalLimit+1))
	if err == nil && len(data) > journalLimit {
		err = fmt.Errorf("read the journal: it is larger than %d bytes", journalLimit)
	}
	return data, err
}

// save replaces the journal in one go: after a power cut the file is the old one or
// the new one.
func (s store) save(j journal) error {
	data, err := j.encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(s), 0o700); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	// One name, so that a crash in between leaves one such file at most.
	next := s.path() + ".new"
	if err := writeSynced(next, data); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := os.Rename(next, s.path()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := syncFolder(string(s)); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// writeSynced writes a file that is ours alone, down to the disk.
func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes a new name in a folder last. Not every system can do that.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, fs.ErrInvalid) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
