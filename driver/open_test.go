package driver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestUploadsAndTheirOffsets(t *testing.T) {
	tests := map[string]struct {
		name   string
		flags  int
		offset int64
		want   string // content afterwards
		err    error
		atomic string // content where uploads are atomic; "": the same
	}{
		"a new file":                      {"/new", overwrite, 0, "sent", nil, ""},
		"a shorter file empties first":    {"/file", overwrite, 0, "sent", nil, ""},
		"append":                          {"/file", os.O_CREATE | os.O_APPEND, 0, "contentsent", nil, ""},
		"append to a missing file":        {"/new", os.O_CREATE | os.O_APPEND, 0, "sent", nil, ""},
		"restart inside":                  {"/file", os.O_CREATE, 2, "cosentt", nil, "cosent"},
		"restart at the end appends":      {"/file", os.O_CREATE, 7, "contentsent", nil, ""},
		"restart beyond the end":          {"/file", os.O_CREATE, 8, "content", fs.ErrInvalid, ""},
		"restart before the beginning":    {"/file", os.O_CREATE, -1, "content", fs.ErrInvalid, ""},
		"restart of a missing file":       {"/new", os.O_CREATE, 1, "", fs.ErrNotExist, ""},
		"an upload over a directory":      {"/dir", overwrite, 0, "", syscall.EISDIR, ""},
		"an upload over the home":         {"/", overwrite, 0, "", syscall.EISDIR, ""},
		"an upload below a file":          {"/file/x", overwrite, 0, "", syscall.ENOTDIR, ""},
		"an upload into nowhere":          {"/none/x", overwrite, 0, "", fs.ErrNotExist, ""},
		"exclusive over a file":           {"/file", os.O_CREATE | os.O_EXCL, 0, "content", fs.ErrExist, ""},
		"through a link":                  {"/link", overwrite, 0, "sent", nil, ""},
		"through a link to a missing one": {"/dangling", overwrite, 0, "sent", nil, ""},
		"restart through a link":          {"/link", os.O_CREATE, 7, "contentsent", nil, ""},
		"through a folder that is a link": {"/todir/below", overwrite, 0, "sent", nil, ""},
		"through a link in such a folder": {"/todir/up", overwrite, 0, "sent", nil, ""},
	}
	for name, test := range tests {
		for mode, files := range map[string]Files{"direct": {}, "atomic": atomically} {
			t.Run(name+", "+mode, func(t *testing.T) {
				w := newWorld(t)
				w.link("file", "link")
				w.link("dir/new", "dangling")
				w.link("dir", "todir")
				w.link("../file", "dir/up")
				err := sendAt(w.openWith(ReadWrite, files), test.name, test.flags, test.offset)
				if !errors.Is(err, test.err) {
					t.Errorf("error: got %v, want %v", err, test.err)
				}
				host, want := filepath.Join(w.home, test.name), test.want
				if files.Atomic && test.atomic != "" {
					want = test.atomic
				}
				if want != "" {
					w.wantFile(host, want)
				} else if info, err := os.Stat(host); err == nil && !info.IsDir() {
					t.Error("a refused upload left a file")
				}
				w.wantNoPartials()
				w.wantLinks("link", "dangling", "todir", "dir/up")
			})
		}
	}
}

// sendAt does what the FTP library does: it seeks by itself.
func sendAt(h *Home, name string, flags int, offset int64) error {
	f, err := h.GetHandle(name, os.O_WRONLY|flags, offset)
	if err != nil {
		return err
	}
	if offset > 0 {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err == nil {
		_, err = f.Write([]byte("sent"))
	}
	return errors.Join(err, f.Close())
}

func TestDownloadsAndTheirOffsets(t *testing.T) {
	tests := map[string]struct {
		name   string
		offset int64
		err    error
	}{
		"from the beginning":    {"/file", 0, nil},
		"from the end":          {"/file", 7, nil},
		"from beyond the end":   {"/file", 8, fs.ErrInvalid},
		"from before the start": {"/file", -1, fs.ErrInvalid},
		"a missing file":        {"/none", 0, fs.ErrNotExist},
		"a directory":           {"/dir", 0, syscall.EISDIR},
		"the home":              {"/", 0, syscall.EISDIR},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := newWorld(t).open(ReadWrite).GetHandle(test.name, os.O_RDONLY, test.offset)
			if !errors.Is(err, test.err) {
				t.Errorf("error: got %v, want %v", err, test.err)
			}
			if err == nil {
				_ = f.Close()
			}
		})
	}
}

func TestFlagsThatContradictAreRefused(t *testing.T) {
	if _, err := newWorld(t).open(ReadWrite).OpenFile("/file", os.O_RDONLY|os.O_TRUNC, 0); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("got %v, want invalid argument", err)
	}
}

func TestAFileOffersTheFastPathAndHidesNothing(t *testing.T) {
	w := newWorld(t)
	got, err := w.open(ReadWrite).GetHandle("/file", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Close() }()
	if _, ok := got.(io.WriterTo); ok {
		t.Error("WriteTo would keep io.Copy from the connection's ReadFrom")
	}
	if _, ok := got.(io.ReaderFrom); ok {
		t.Error("ReadFrom would hide that of OSFile")
	}
	f := got.(*File)
	_, err = f.OSFile().Write([]byte("x")) // it is open for reading
	var want, hostError *fs.PathError
	if !errors.As(err, &hostError) || !errors.As(f.Translate(err), &want) || want.Path != "/file" || want.Err != hostError.Err {
		t.Errorf("Translate %v: got %v, want the same of /file", err, f.Translate(err))
	}
	if got := f.Translate(io.ErrClosedPipe); got != io.ErrClosedPipe {
		t.Errorf("Translate of a connection's error: got %v, want it unchanged", got)
	}
}

func TestABrokenUploadLeavesWhatArrived(t *testing.T) {
	w := newWorld(t)
	got, err := w.open(ReadWrite).GetHandle("/new", os.O_WRONLY|overwrite, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := got.(*File)
	if _, err := f.Write([]byte("half of")); err != nil {
		t.Fatal(err)
	}
	f.TransferError(io.ErrUnexpectedEOF)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if got := f.Broken(); got != io.ErrUnexpectedEOF {
		t.Errorf("Broken: got %v, want %v", got, io.ErrUnexpectedEOF)
	}
	w.wantFile(filepath.Join(w.home, "new"), "half of")
}

func TestAFileReadsToItsEnd(t *testing.T) {
	f, err := newWorld(t).open(ReadOnly).Open("/file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if data, err := io.ReadAll(f); err != nil || string(data) != "content" {
		t.Errorf("got %q, %v", data, err)
	}
	if n, err := f.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("at the end: got %d, %v, want the bare io.EOF", n, err)
	}
	info, err := f.Stat()
	if err != nil || info.Name() != "file" || info.Size() != 7 || f.Name() != "/file" {
		t.Errorf("got %v, %v, %s", info, err, f.Name())
	}
}

func TestNoErrorOfAFileNamesTheHostPath(t *testing.T) {
	f, err := newWorld(t).open(ReadWrite).OpenFile("/file", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(2), f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	_, errRead := f.Read(make([]byte, 1))
	_, errReadAt := f.ReadAt(make([]byte, 1), 0)
	_, errWrite := f.WriteString("x")
	_, errWriteAt := f.WriteAt([]byte("x"), 0)
	_, errSeek := f.Seek(0, io.SeekStart)
	_, errStat := f.Stat()
	for _, err := range []error{errRead, errReadAt, errWrite, errWriteAt, errSeek, errStat, f.Truncate(0), f.Sync(), f.Close()} {
		path, ok := err.(*fs.PathError)
		if !ok || path.Path != "/file" || !errors.Is(path.Err, fs.ErrClosed) {
			t.Errorf("of a closed file: got %v, want /file already closed", err)
		}
	}
}
