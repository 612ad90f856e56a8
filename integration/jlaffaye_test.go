//go:build linux

package integration

import (
	"crypto/tls"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jlaffaye/ftp"
)

// jlaffaye is a client written with Go's jlaffaye/ftp.
func jlaffaye(t *testing.T, v visit) {
	insecure := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(0)} //nolint:gosec // the certificate is self-signed
	options := map[channel][]ftp.DialOption{
		explicit: {ftp.DialWithExplicitTLS(insecure)}, implicit: {ftp.DialWithTLS(insecure)},
	}[v.channel]
	options = append(slices.Clone(options), ftp.DialWithTimeout(answerWithin), ftp.DialWithDisabledEPSV(v.mode == pasv), ftp.DialWithTrustPasvIP(true))
	c, err := ftp.Dial(v.addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Quit() }()
	steps := []struct {
		name string
		do   func() error
	}{
		{"login", func() error { return c.Login(v.user, password) }},
		{"upload the tree", func() error { return jlaffayeUp(c, v.up) }},
		{"download the tree", func() error { return jlaffayeDown(c, filepath.Join(v.down, "tree")) }},
		{"resume the upload", func() error { return jlaffayeResumeUp(c, v.file) }},
		{"resume the download", func() error { return jlaffayeResumeDown(c, filepath.Join(v.down, "half-down.bin")) }},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
}

func jlaffayeUp(c *ftp.ServerConn, up string) error {
	return fs.WalkDir(os.DirFS(up), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return c.MakeDir(path.Join("tree", name))
		}
		file, err := os.Open(filepath.Join(up, name))
		if err != nil {
			return err
		}
		defer file.Close()
		return c.Stor(path.Join("tree", name), file)
	})
}

func jlaffayeDown(c *ftp.ServerConn, down string) error {
	for w := c.Walk("/tree"); w.Next(); {
		if err := w.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel("/tree", w.Path())
		if err != nil {
			return err
		}
		local := filepath.Join(down, rel)
		if w.Stat().Type == ftp.EntryTypeFolder {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(local), 0o700); err != nil {
			return err
		}
		if err := jlaffayeGet(c, w.Path(), local, 0); err != nil {
			return err
		}
	}
	return nil
}

func jlaffayeGet(c *ftp.ServerConn, remote, local string, offset int64) error {
	file, err := os.OpenFile(local, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := c.RetrFrom(remote, uint64(offset))
	if err != nil {
		return err
	}
	if err := r.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	if _, err := io.Copy(file, r); err != nil {
		return err
	}
	return r.Close()
}

func jlaffayeResumeUp(c *ftp.ServerConn, local string) error {
	const remote = "half-up.bin"
	size, err := c.FileSize(remote)
	if err != nil {
		return err
	}
	file, err := os.Open(local)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(size, io.SeekStart); err != nil {
		return err
	}
	return c.StorFrom(remote, file, uint64(size))
}

func jlaffayeResumeDown(c *ftp.ServerConn, local string) error {
	info, err := os.Stat(local)
	if err != nil {
		return err
	}
	return jlaffayeGet(c, "half-down.bin", local, info.Size())
}
