package model

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
)

// shared is a folder in which all players write at once. Whose turn it was nobody
// knows; but a file in it is always one that somebody sent, whole, and a folder is
// there when it was made once more than removed.
type shared struct {
	root  string
	built atomic.Int64 // how often the folder was made, less how often removed
}

func (s *shared) folder() string { return s.root + "/folder" }

func (p *player) sharedName() string {
	const files = 4
	return fmt.Sprintf("%s/file %d", p.shared.root, p.random.IntN(files))
}

// shareFile stores a file that begins with its own checksum. Who comes second may
// be sent away.
func (p *player) shareFile() error {
	content := p.content()
	sum := sha256.Sum256(content)
	_, err := p.upload(append(sum[:], content...), "STOR "+p.sharedName())
	return err
}

func (p *player) readShared() error {
	name := p.sharedName()
	content, code, err := p.download("RETR " + name)
	if err != nil || code >= 400 || !p.atomic { // it may be gone, or be half of two
		return err
	}
	if len(content) < sha256.Size {
		return fmt.Errorf("RETR %s: got %d bytes, which nobody sent", name, len(content))
	}
	if sum := sha256.Sum256(content[sha256.Size:]); !bytes.Equal(sum[:], content[:sha256.Size]) {
		return fmt.Errorf("RETR %s: got %d bytes that are not one file", name, len(content))
	}
	return nil
}

func (p *player) moveShared() error {
	code, _, err := p.ask("RNFR %s", p.sharedName())
	if err != nil || code != 350 {
		return err
	}
	_, _, err = p.ask("RNTO %s", p.sharedName())
	return err
}

func (p *player) toggleShared() error {
	verb, change := "MKD", int64(1)
	if p.random.IntN(2) == 0 {
		verb, change = "RMD", -1
	}
	code, _, err := p.ask("%s %s", verb, p.shared.folder())
	if err == nil && code < 400 {
		p.shared.built.Add(change)
	}
	return err
}

// verify looks whether the folder is there as often as it was made.
func (s *shared) verify(p *player) error {
	all, _, err := p.entries(s.root)
	if err != nil {
		return err
	}
	_, there := all["folder"]
	if want := s.built.Load(); want != 0 && want != 1 || there != (want == 1) {
		return fmt.Errorf("%s: there %v, after it was made %d times more than removed", s.folder(), there, want)
	}
	return nil
}
