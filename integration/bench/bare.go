//go:build linux

package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the machine itself can do, measured as if it were a server: the bare server
// is told in a line what to do with which file, moves the bytes the shortest way
// there is, and knows nothing of FTP. It is this program, started again.
const (
	machineName = "machine"
	bareCommand = "bare"

	bareSend   = "sendfile" // the file to the connection, by the kernel
	bareWrite  = "write"    // as many bytes as the file has, from memory: loopback TCP
	bareStore  = "splice"   // the connection into the file, by the kernel
	bareSeal   = "seal"     // as many bytes as the file has, sealed in memory: one core's AES
	bareSealed = "sealed"   // the same, to the connection
	bareOpen   = "open"     // as many bytes, opened in memory
	bareHash   = "argon2id" // one password, hashed
	bareLook   = "stat"     // a folder, read and each entry asked for; nothing is sent but their number
)

// bareText names what the machine does.
var bareText = map[string]string{
	bareSend: "bare sendfile", bareWrite: "loopback TCP", bareStore: "bare splice", bareSealed: "AES-GCM by TCP",
	bareSeal: "bare AES-GCM", bareOpen: "bare AES-GCM", bareHash: "bare argon2id",
	bareLook: "bare stat",
}

// batch is how many records are written at a time.
const batch = 16

// record is a full TLS record (RFC 8446, section 5.1).
const record = 16 << 10

// machine is the bare server as a peer.
func machine(_ context.Context, g ground) (launch, error) {
	program, err := os.Executable()
	return launch{
		server:  &server{name: machineName, at: g.control},
		program: program, args: []string{bareCommand, g.control.String(), g.home}, dir: g.dir,
	}, err
}

// serveBare serves the files of a home until it is killed.
func serveBare(at, home string) error {
	l, err := net.Listen("tcp4", at)
	if err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if err := bareTransfer(conn.(*net.TCPConn), home); err != nil {
				fmt.Fprintln(os.Stderr, "bench:", err)
			}
		}()
	}
}

func bareTransfer(conn *net.TCPConn, home string) error {
	if _, err := io.WriteString(conn, "220 bare\r\n"); err != nil {
		return err
	}
	var line []byte
	for b := []byte{0}; b[0] != '\n'; line = append(line, b[0]) {
		if _, err := conn.Read(b); err != nil {
			return nil // whoever only looked whether we are there
		}
	}
	what, name, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	name = filepath.Join(home, name)
	switch what {
	case bareStore:
		return store(conn, name)
	case bareHash:
		slowHash()
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if what == bareLook {
		entries, err := look(int(f.Fd()))
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(conn, entries)
		return err
	}
	if err := cork(conn); err != nil {
		return err
	}
	if what == bareSend {
		_, err = conn.ReadFrom(f)
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	switch what {
	case bareSeal, bareOpen:
		return seal(io.Discard, info.Size(), what == bareOpen)
	case bareSealed:
		return seal(conn, info.Size(), false)
	}
	block := make([]byte, 256<<10)
	for left := info.Size(); left > 0; left -= int64(len(block)) {
		if _, err := conn.Write(block[:min(int64(len(block)), left)]); err != nil {
			return err
		}
	}
	return nil
}

// cork has only full segments leave: what a machine can do at most.
func cork(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	errCork := errors.New("no such connection")
	err = raw.Control(func(fd uintptr) { errCork = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1) })
	return errors.Join(err, errCork)
}

func store(conn *net.TCPConn, name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(conn)
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	return err
}

// seal seals size bytes as TLS does, or opens them, and writes them somewhere.
func seal(to io.Writer, size int64, open bool) error {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	plain, nonce := make([]byte, record), make([]byte, gcm.NonceSize())
	sealed := gcm.Seal(nil, nonce, plain, nil)
	out := make([]byte, 0, batch*len(sealed))
	for ; size > 0 && err == nil; size -= record {
		if open {
			_, err = gcm.Open(plain[:0], nonce, sealed, nil)
			continue
		}
		if out = gcm.Seal(out, nonce, plain, nil); len(out) == cap(out) || size <= record {
			_, err = to.Write(out)
			out = out[:0]
		}
	}
	return err
}

// look reads a folder and asks the kernel for each entry, "." and ".." as well, and
// counts them: what nobody who lists size and date can do without. It does not tell
// Go's scheduler of these calls, and costs what a program in C does.
func look(dir int) (entries int, err error) {
	var st unix.Stat_t
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.ReadDirent(dir, buf)
		if err != nil || n == 0 {
			return entries, err
		}
		for records := buf[:n]; len(records) > 0; entries++ {
			one := (*unix.Dirent)(unsafe.Pointer(&records[0]))
			_, _, errno := unix.RawSyscall6(unix.SYS_NEWFSTATAT, uintptr(dir), uintptr(unsafe.Pointer(&one.Name)),
				uintptr(unsafe.Pointer(&st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
			if errno != 0 {
				return entries, errno
			}
			records = records[one.Reclen:]
		}
	}
}
