package driver

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// scanBuffer is how much of a directory the kernel tells at once: about a
// thousand entries.
const scanBuffer = 32 << 10

var scanBuffers = sync.Pool{New: func() any { return new([scanBuffer]byte) }}

// scan appends the next entries of an open directory, with nothing but their
// names if that is enough. It does what os.File.Readdir does without
// allocating for each entry: the kernel's records are read as they are, and
// each file is asked for relative to the directory, so none can be led astray by
// a swapped path. io.EOF: there are no more.
func scan(dir *os.File, to []Entry, namesOnly bool) ([]Entry, error) {
	raw, err := dir.SyscallConn()
	if err != nil {
		return to, err
	}
	buf := scanBuffers.Get().(*[scanBuffer]byte)
	defer scanBuffers.Put(buf)
	errControl := raw.Control(func(fd uintptr) {
		var n int
		for n, err = unix.ReadDirent(int(fd), buf[:]); errors.Is(err, unix.EINTR); {
			n, err = unix.ReadDirent(int(fd), buf[:])
		}
		switch {
		case err != nil:
		case n <= 0:
			err = io.EOF
		default:
			to = appendRecords(to, int(fd), buf[:n], namesOnly)
		}
	})
	if errControl != nil {
		err = errControl
	}
	return to, err
}

// Where the fields of a record lie, in the host's byte order: struct
// linux_dirent64, see getdents64(2).
const (
	recordLength = 16
	recordType   = 18 // that of a mode, 12 bits lower (DTTOIF of dirent.h)
	recordName   = 19
)

func appendRecords(to []Entry, fd int, records []byte, namesOnly bool) []Entry {
	names := string(records) // one allocation for all of them
	var st unix.Stat_t
	for at := 0; at < len(records); {
		record := records[at:]
		length := int(binary.NativeEndian.Uint16(record[recordLength:]))
		name, _, _ := strings.Cut(names[at+recordName:at+length], "\x00")
		at += length
		if name == "." || name == ".." || isHidden(name) {
			continue
		}
		if namesOnly {
			to = append(to, Entry{name: name})
			continue
		}
		switch err := fstatat(fd, record, name, &st); {
		case errors.Is(err, unix.ENOENT): // it has just vanished
		case err != nil: // it is there, such as a mount whose server has died
			to = append(to, Entry{name: name, mode: modeOf(uint32(record[recordType]) << 12).Type()})
		default:
			seconds, nanos := st.Mtim.Unix()
			to = append(to, Entry{name, st.Size, seconds, int32(nanos), modeOf(st.Mode), Identity{uint64(st.Dev), uint64(st.Ino)}})
		}
	}
	return to
}

// modeOf is a mode of stat(2) in the bits of package fs.
func modeOf(m uint32) fs.FileMode {
	mode := fs.FileMode(m) & fs.ModePerm
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	}
	for bit, special := range specialModes {
		if m&(unix.S_ISUID>>bit) != 0 {
			mode |= special
		}
	}
	return mode
}

// specialModes are those of the bits from S_ISUID downwards.
var specialModes = [...]fs.FileMode{fs.ModeSetuid, fs.ModeSetgid, fs.ModeSticky}
