package model

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
)

// player is one of the clients: it does at random what clients do, and knows what
// must come of it.
type player struct {
	*session
	random *rand.Rand
	atomic bool // uploads
	tree   *tree
	shared *shared
}

// operations are what a player does; those named more than once come more often.
var operations = []func(*player) error{
	(*player).makeFolder, (*player).makeFolder, (*player).removeFolder,
	(*player).store, (*player).store, (*player).store, (*player).appendTo, (*player).resume,
	(*player).retrieve, (*player).retrieve, (*player).retrieveRest,
	(*player).rename, (*player).rename, (*player).remove,
	(*player).size, (*player).setTime, (*player).time, (*player).list, (*player).list,
	(*player).abortStore, (*player).abortRetrieve,
	(*player).shareFile, (*player).readShared, (*player).moveShared, (*player).toggleShared,
}

func (p *player) step() error {
	err := operations[p.random.IntN(len(operations))](p)
	if err != nil {
		return fmt.Errorf("%w\nof %s, whose session went:\n%s", err, p.tree.root, strings.Join(p.trace, "\n"))
	}
	return nil
}

// allowed compares a reply with what the model says.
func allowed(what string, code int, err error, may bool) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case (code < 400) != may:
		return fmt.Errorf("%s: got reply %d, want it allowed: %v", what, code, may)
	}
	return nil
}

// name is a path in the player's folder, more often than not one that there is.
func (p *player) name() string {
	if known := p.tree.names(func(name string) bool { return name != p.tree.root }); len(known) > 0 && p.random.IntN(5) < 3 {
		return known[p.random.IntN(len(known))]
	}
	folders := p.tree.names(p.tree.isDir)
	folder := folders[p.random.IntN(len(folders))]
	if p.random.IntN(10) == 0 {
		folder += "/missing"
	}
	const depth = 5
	if strings.Count(folder, "/") > depth {
		folder = p.tree.root
	}
	return path.Join(folder, []string{"a", "b", "c d", "é 日本", "f.txt", `"q"`}[p.random.IntN(6)])
}

// content is random, mostly small, now and then larger than any buffer.
func (p *player) content() []byte {
	const small, large = 2 << 10, 200 << 10
	size := p.random.IntN(small)
	if p.random.IntN(20) == 0 {
		size = p.random.IntN(large)
	}
	return p.bytes(size)
}

func (p *player) bytes(size int) []byte {
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(p.random.Uint32())
	}
	return content
}

func (p *player) makeFolder() error {
	name := p.name()
	may := p.tree.isDir(path.Dir(name)) && p.tree.all[name] == nil
	code, _, err := p.ask("MKD %s", name)
	if may {
		p.tree.all[name] = &entry{dir: true}
	}
	return allowed("MKD "+name, code, err, may)
}

func (p *player) removeFolder() error {
	name := p.name()
	may := p.tree.mayRemoveFolder(name)
	code, _, err := p.ask("RMD %s", name)
	if may {
		delete(p.tree.all, name)
	}
	return allowed("RMD "+name, code, err, may)
}

func (p *player) rename() error {
	from, to := p.name(), p.name()
	may, clear := p.tree.mayRename(from, to)
	if !clear {
		return nil
	}
	code, _, err := p.ask("RNFR %s", from)
	if err == nil && code == 350 {
		code, _, err = p.ask("RNTO %s", to)
	}
	if may {
		p.tree.rename(from, to)
	}
	return allowed(fmt.Sprintf("rename %s to %s", from, to), code, err, may)
}

func (p *player) remove() error {
	name := p.name()
	may := p.tree.isFile(name)
	code, _, err := p.ask("DELE %s", name)
	if may {
		delete(p.tree.all, name)
	}
	return allowed("DELE "+name, code, err, may)
}

func (p *player) size() error {
	name := p.name()
	code, text, err := p.ask("SIZE %s", name)
	if err := allowed("SIZE "+name, code, err, p.tree.isFile(name)); err != nil || code >= 400 {
		return err
	}
	return same("SIZE "+name, []byte(text), fmt.Append(nil, len(p.tree.all[name].content)))
}

func (p *player) setTime() error {
	name := p.name()
	if !p.tree.isFile(name) {
		return nil
	}
	modified := fmt.Sprintf("20%02d0%d%02d123456", p.random.IntN(30), 1+p.random.IntN(9), 1+p.random.IntN(28))
	code, _, err := p.ask("MFMT %s %s", modified, name)
	p.tree.all[name].modified = modified
	return allowed("MFMT "+name, code, err, true)
}

func (p *player) time() error {
	name := p.name()
	if !p.tree.isFile(name) || p.tree.all[name].modified == "" {
		return nil
	}
	_, text, err := p.ask("MDTM %s", name)
	if err != nil {
		return err
	}
	return same("MDTM "+name, []byte(text), []byte(p.tree.all[name].modified))
}

func (p *player) list() error {
	folders := p.tree.names(p.tree.isDir)
	return p.mustList(folders[p.random.IntN(len(folders))])
}

func (p *player) mustList(folder string) error {
	got, code, err := p.entries(folder)
	if err := allowed("MLSD "+folder, code, err, true); err != nil {
		return err
	}
	return p.tree.differs(folder, got)
}

// verify compares all there is with the model.
func (p *player) verify() error {
	for _, name := range p.tree.names(func(string) bool { return true }) {
		check := p.mustRetrieve
		if p.tree.isDir(name) {
			check = p.mustList
		}
		if err := check(name); err != nil {
			return fmt.Errorf("in the end: %w", err)
		}
	}
	return nil
}
