package driver

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
)

// File is an open file, or a directory open for reading, whose errors carry
// FTP paths only.
//
// It has neither ReadFrom nor WriteTo: io.Copy would call these instead of
// those of the data connection, and the latter, which takes OSFile from here
// and its own socket from there, can use sendfile and splice.
type File struct {
	file    *os.File
	home    *Home
	target  target
	info    fs.FileInfo // as it was opened; nil: it is written
	writer  *writer     // nil: it is only read
	upload  *upload     // nil: it is written in place, or read
	appends bool        // each write goes to the end
	// atEnd: so they do in a partial until somebody goes elsewhere. Nobody else
	// writes to it, so its size is what was counted.
	atEnd bool

	mu     sync.Mutex
	broken error   // guarded by mu
	closed bool    // guarded by mu
	ahead  []Entry // of a directory, guarded by mu
}

var (
	_ afero.File                  = (*File)(nil)
	_ ftpserver.FileTransfer      = (*File)(nil)
	_ ftpserver.FileTransferError = (*File)(nil)
)

// OSFile is the file itself, or the partial of an atomic upload, for sendfile
// and splice. Its errors name the file on the host: pass them through Translate.
// Reserve asks how much may be written to it. It is closed by Close only.
func (f *File) OSFile() *os.File { return f.file }

// Translate turns an error of OSFile into what Read and Write would have
// returned: the FTP path for the host path, ErrStorageExceeded of the FTP
// library for a full disk. An error that no file has caused stays what it is.
func (f *File) Translate(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return f.fail(path.Op, path)
	}
	return err
}

// TransferError is told by the FTP library, before Close, that the transfer
// broke: Close then keeps what has arrived of an upload, for the client to resume.
func (f *File) TransferError(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

// Broken is what broke the transfer, or nil.
func (f *File) Broken() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

// fail is ftpError for this file. The end of a file stays the bare io.EOF that
// io.Copy looks for.
func (f *File) fail(op string, err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return ftpError(op, f.target.name, err)
}

// Name is the FTP path.
func (f *File) Name() string { return f.target.name }

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	return n, f.fail("read", err)
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.file.ReadAt(p, offset)
	return n, f.fail("read", err)
}

// Write implements io.Writer.
func (f *File) Write(p []byte) (int, error) {
	if err := f.room(int64(len(p)), -1); err != nil {
		return 0, f.fail("write", err)
	}
	n, err := f.file.Write(p)
	f.written(err)
	return n, f.fail("write", err)
}

// WriteAt implements io.WriterAt.
func (f *File) WriteAt(p []byte, offset int64) (int, error) {
	if err := f.room(int64(len(p)), offset); err != nil {
		return 0, f.fail("write", err)
	}
	defer f.settled()
	f.atEnd = false
	n, err := f.file.WriteAt(p, offset)
	return n, f.fail("write", err)
}

// WriteString implements io.StringWriter.
func (f *File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// Seek implements io.Seeker.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.atEnd = false
	n, err := f.file.Seek(offset, whence)
	return n, f.fail("seek", err)
}

// Truncate sets the size.
func (f *File) Truncate(size int64) error {
	if err := f.room(0, size); err != nil {
		return f.fail("truncate", err)
	}
	defer f.settled()
	f.atEnd = false
	return f.fail("truncate", f.file.Truncate(size))
}

// Sync writes what the host still has in memory to the disk.
func (f *File) Sync() error { return f.fail("sync", f.file.Sync()) }

// Stat describes the file: one that is only read as it was when it was opened.
func (f *File) Stat() (fs.FileInfo, error) {
	if f.info != nil {
		return named{f.info, path.Base(f.target.name)}, nil
	}
	info, err := f.file.Stat()
	if err != nil {
		return nil, f.fail("stat", err)
	}
	return named{info, path.Base(f.target.name)}, nil
}

// Close closes the file. It puts an atomic upload that did not break in the
// place of its target: whoever sent it is told of an error, and then the old
// file is still there.
func (f *File) Close() error {
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	switch {
	case closed:
		return f.fail("close", fs.ErrClosed)
	case f.writer == nil:
		return f.fail("close", f.file.Close())
	case f.upload == nil:
		return f.fail("close", f.closeInPlace())
	default:
		return f.fail("close", rootError(f.closeUpload()))
	}
}

func (f *File) closeInPlace() error {
	var err error
	if f.home.files.Sync {
		err = f.file.Sync()
	}
	f.writer.end()
	return errors.Join(err, f.file.Close())
}

// Readdirnames reads the next names of a directory, as os.File does; see
// Home.ReadDir for those that are left out.
func (f *File) Readdirnames(count int) ([]string, error) {
	entries, err := f.next(count, true)
	names := make([]string, len(entries))
	for i := range entries {
		names[i] = entries[i].name
	}
	return names, err
}

// Readdir reads the next entries of a directory, as os.File does; see
// Home.ReadDir for what an entry tells.
func (f *File) Readdir(count int) ([]fs.FileInfo, error) {
	entries, err := f.next(count, false)
	infos := make([]fs.FileInfo, len(entries))
	for i := range entries {
		infos[i] = &entries[i]
	}
	return infos, err
}

// next is what Readdir and Readdirnames have in common. Entries that were read
// and not asked for wait in ahead: a directory is read in one of the two ways.
func (f *File) next(count int, namesOnly bool) (entries []Entry, err error) {
	f.mu.Lock()
	entries, f.ahead = f.ahead, nil
	f.mu.Unlock()
	for err == nil && (count <= 0 || len(entries) < count) {
		entries, err = f.Entries(entries, namesOnly)
	}
	if count > 0 && len(entries) > count {
		f.mu.Lock()
		f.ahead = entries[count:]
		f.mu.Unlock()
		entries = entries[:count]
	}
	if errors.Is(err, io.EOF) && (count <= 0 || len(entries) > 0) {
		err = nil
	}
	return entries, err
}
