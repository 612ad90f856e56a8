package driver

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"unicode"
	"unicode/utf8"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
)

// Home is the folder of a user as one session sees it, with the rights of the
// account. It may be used from several goroutines. The session closes it.
type Home struct {
	root   *os.Root // the folder's
	folder *folder
	closed atomic.Bool
	access Access
	files  Files
	quota  int64  // zero: none
	owner  string // whose partials are resumed here
	ledger *ledger
	own    ownFiles
	told   told
}

// What the FTP library asks a file system for.
var (
	_ afero.Fs                                      = (*Home)(nil)
	_ ftpserver.ClientDriverExtensionFileList       = (*Home)(nil)
	_ ftpserver.ClientDriverExtentionFileTransfer   = (*Home)(nil)
	_ ftpserver.ClientDriverExtensionRemoveDir      = (*Home)(nil)
	_ ftpserver.ClientDriverExtensionAvailableSpace = (*Home)(nil)
)

// Open opens the home for one session, which closes it. The folder is looked up
// anew each time, so a disk that is mounted later is found. The error does not
// name the folder, for it may reach the client.
func (a *Account) Open() (*Home, error) {
	folder, err := a.ledger.enter(a.home)
	if err != nil {
		return nil, fmt.Errorf("open home of user %s: %w", a.Name, bare(err))
	}
	h := &Home{root: folder.root, folder: folder, access: a.Access, files: a.files, quota: a.quota, owner: a.Name, ledger: a.ledger}
	if a.Name == anonymous {
		// Nobody knows whether it is the same person next time.
		h.owner += "\n" + rand.Text()
	}
	return h, nil
}

// limit is how many bytes the home may have.
func (h *Home) limit() int64 {
	if h.quota > 0 {
		return h.quota
	}
	return noQuota
}

// Name says what kind of file system this is.
func (h *Home) Name() string { return "home" }

// Close lets go of the folder. Files that are open stay usable; everything
// else fails with fs.ErrClosed. It may be called twice.
func (h *Home) Close() error {
	if h.closed.Swap(true) {
		return nil
	}
	return ftpError("close", "/", h.ledger.leave(h.folder))
}

// maxName is how long a name may be, as for all other programs of the host
// (PATH_MAX of Linux): os.Root itself has no bound, and goes every step of it.
const maxName = 4095

// target is what an operation is about: a name inside the home.
type target struct {
	op    string // for error texts
	name  string // clean absolute FTP path
	local string // the same, as os.Root wants it
}

// resolve cleans a name that a client sent. A control character in it would
// forge lines of replies and listings, or drive the operator's terminal. The
// names of partials are not for clients, whether there is one or not.
func (h *Home) resolve(op, name string) (target, error) {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	name = path.Clean(name) // which does not copy what is clean, as most names are
	if h.closed.Load() {
		return target{}, ftpError(op, strings.Map(hideControl, name), fs.ErrClosed)
	}
	local := filepath.FromSlash(strings.TrimPrefix(name, "/"))
	if local == "" {
		local = "."
	}
	if len(name) > maxName {
		return target{}, ftpError(op, strings.Map(hideControl, name), syscall.ENAMETOOLONG)
	}
	if !isPrintable(name) || !filepath.IsLocal(local) || foreignSeparator(name) || hasPartial(name) {
		return target{}, ftpError(op, strings.Map(hideControl, name), ftpserver.ErrFileNameNotAllowed)
	}
	return target{op: op, name: name, local: local}, nil
}

func (t target) isHome() bool { return t.local == "." }

// fail is ftpError for this target; nil stays nil.
func (t target) fail(err error) error { return ftpError(t.op, t.name, rootError(err)) }

// permits looks the operation up in the access table.
func (h *Home) permits(op operation, t target) bool {
	switch rules[op][h.access] {
	case yes:
		return true
	case own:
		info, err := h.root.Lstat(t.local)
		return err == nil && h.own.has(t.name, info)
	default:
		return false
	}
}

// change is the frame of everything that alters what a name stands for. The
// home itself belongs to the operator: nobody removes, renames or locks it.
func (h *Home) change(op operation, verb, name string, do func(t target) error) error {
	t, err := h.resolve(verb, name)
	if err != nil {
		return err
	}
	if t.isHome() && op != makeDirectory || !h.permits(op, t) {
		return t.fail(fs.ErrPermission)
	}
	return t.fail(do(t))
}

// isPrintable reports whether there is no control character in a name. Listings
// ask it of each entry, and most names are ASCII: no rune is decoded for these.
func isPrintable(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			return !strings.ContainsFunc(name[i:], unicode.IsControl)
		}
	}
	return true
}

// foreignSeparator finds a separator that the host knows and FTP does not:
// a backslash on Windows would make two names of one.
func foreignSeparator(name string) bool {
	return filepath.Separator != '/' && strings.ContainsRune(name, filepath.Separator)
}

func hideControl(r rune) rune {
	if unicode.IsControl(r) {
		return '?'
	}
	return r
}

// named gives a FileInfo the name that the client asked for: os.Root names its
// own folder ".".
type named struct {
	fs.FileInfo
	name string
}

func (n named) Name() string { return n.name }
