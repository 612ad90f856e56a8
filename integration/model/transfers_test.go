package model

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path"
)

func (p *player) store() error {
	name, content := p.name(), p.content()
	return p.storeAs(name, content)
}

func (p *player) storeAs(name string, content []byte) error {
	may := p.tree.mayStore(name)
	code, err := p.upload(content, "STOR "+name)
	if may {
		p.tree.store(name, content)
	}
	return allowed("STOR "+name, code, err, may)
}

func (p *player) appendTo() error {
	name, content := p.name(), p.content()
	may := p.tree.mayStore(name)
	code, err := p.upload(content, "APPE "+name)
	if may {
		var before []byte
		if e := p.tree.all[name]; e != nil {
			before = e.content
		}
		p.tree.store(name, append(bytes.Clone(before), content...))
	}
	return allowed("APPE "+name, code, err, may)
}

// resume completes a file from where it ends, or refuses to leave a hole.
func (p *player) resume() error {
	name, content := p.name(), p.content()
	offset, hole := 1, true // of a file that is not there
	if p.tree.isFile(name) {
		hole = p.random.IntN(4) == 0
		offset = len(p.tree.all[name].content)
		if hole {
			offset++
		}
	}
	if offset == 0 {
		return nil // REST 0 is no resume
	}
	may := p.tree.isFile(name) && !hole
	code, err := p.upload(content, fmt.Sprintf("REST %d", offset), "STOR "+name)
	if may {
		p.tree.store(name, append(bytes.Clone(p.tree.all[name].content), content...))
	}
	return allowed(fmt.Sprintf("REST %d, STOR %s", offset, name), code, err, may)
}

func (p *player) retrieve() error {
	return p.mustRetrieve(p.name())
}

func (p *player) mustRetrieve(name string) error {
	content, code, err := p.download("RETR " + name)
	if err := allowed("RETR "+name, code, err, p.tree.isFile(name)); err != nil || code >= 400 {
		return err
	}
	return same("RETR "+name, content, p.tree.all[name].content)
}

func same(what string, got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s: got %d bytes that differ from the %d of the model", what, len(got), len(want))
	}
	return nil
}

func (p *player) retrieveRest() error {
	name := p.name()
	if !p.tree.isFile(name) {
		return nil
	}
	want := p.tree.all[name].content
	offset := p.random.IntN(len(want) + 1)
	got, code, err := p.download(fmt.Sprintf("REST %d", offset), "RETR "+name)
	if err := allowed("RETR "+name, code, err, true); err != nil {
		return err
	}
	return same(fmt.Sprintf("REST %d, RETR %s", offset, name), got, want[offset:])
}

// abortStore leaves everything as it was, whoever looks, where uploads are atomic;
// then it sends the whole.
func (p *player) abortStore() error {
	name, content := p.name(), p.content()
	if !p.tree.mayStore(name) {
		return nil
	}
	codes, err := p.abort("STOR "+name, func(conn net.Conn) error {
		_, err := conn.Write(append(p.bytes(1), content[:len(content)/2]...))
		return err
	})
	if err == nil && codes != [2]int{426, 226} {
		err = fmt.Errorf("replies to the transfer and ABOR: got %v, want 426 and 226", codes)
	}
	if err != nil {
		return fmt.Errorf("STOR %s, ABOR: %w", name, err)
	}
	if !p.atomic {
		return p.storeAs(name, content)
	}
	if err := p.mustRetrieve(name); err != nil {
		return fmt.Errorf("after ABOR: %w", err)
	}
	if err := p.mustList(path.Dir(name)); err != nil {
		return fmt.Errorf("after ABOR: %w", err)
	}
	return p.storeAs(name, content)
}

// abortRetrieve may come too late for a file that fits in the kernel's buffers.
func (p *player) abortRetrieve() error {
	name := p.name()
	if !p.tree.isFile(name) || len(p.tree.all[name].content) == 0 {
		return nil
	}
	codes, err := p.abort("RETR "+name, func(conn net.Conn) error {
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err
	})
	if err == nil && (codes[0] != 426 && codes[0] != 226 || codes[1] != 226 && codes[1] != 225) {
		err = fmt.Errorf("replies to the transfer and ABOR: got %v, want 426 or 226, then 226 or 225", codes)
	}
	if err != nil {
		return fmt.Errorf("RETR %s, ABOR: %w", name, err)
	}
	return nil
}
