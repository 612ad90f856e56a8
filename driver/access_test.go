package driver

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"
)

// try is something a client does, in a fresh home that holds /file and /dir.
type try func(h *Home) error

func send(name string, flags int, offset int64) try {
	return func(h *Home) error {
		f, err := h.GetHandle(name, os.O_WRONLY|flags, offset)
		if err != nil {
			return err
		}
		_, err = f.Write([]byte("sent"))
		return errors.Join(err, f.Close())
	}
}

// after makes a try about what the session itself has made before.
func after(first, then try) try {
	return func(h *Home) error {
		if err := first(h); err != nil {
			return err
		}
		return then(h)
	}
}

func move(from, to string) try { return func(h *Home) error { return h.Rename(from, to) } }
func mkdir(name string) try    { return func(h *Home) error { return h.Mkdir(name, 0) } }
func touch(name string) try {
	return func(h *Home) error { return h.Chtimes(name, time.Unix(1, 0), time.Unix(1, 0)) }
}

const overwrite = os.O_CREATE | os.O_TRUNC

var (
	storeNew  = send("/new", overwrite, 0)
	appendNew = send("/new", os.O_CREATE|os.O_APPEND, 0)
)

func TestAccess(t *testing.T) {
	tests := map[string]struct {
		try  try
		op   operation
		want string // read-write, read-only, upload-only
	}{
		"list a directory":                            {func(h *Home) error { _, err := h.ReadDir("/dir"); return err }, list, "yes yes yes"},
		"ask for a size":                              {func(h *Home) error { _, err := h.Stat("/file"); return err }, list, "yes yes yes"},
		"download":                                    {func(h *Home) error { _, err := read(h, "/file"); return err }, download, "yes yes no"},
		"make a directory":                            {mkdir("/new"), makeDirectory, "yes no yes"},
		"make directories":                            {func(h *Home) error { return h.MkdirAll("/new/er", 0) }, makeDirectory, "yes no yes"},
		"store a new file":                            {storeNew, store, "yes no yes"},
		"store a new file by appending":               {appendNew, store, "yes no yes"},
		"overwrite a file":                            {send("/file", overwrite, 0), modify, "yes no no"},
		"overwrite one's own file":                    {after(storeNew, storeNew), modify, "yes no yes"},
		"append to a file":                            {send("/file", os.O_CREATE|os.O_APPEND, 0), modify, "yes no no"},
		"append to one's own file":                    {after(storeNew, appendNew), modify, "yes no yes"},
		"resume a file":                               {send("/file", os.O_CREATE, 3), modify, "yes no no"},
		"resume one's own file":                       {after(storeNew, send("/new", os.O_CREATE, 3)), modify, "yes no yes"},
		"read back one's own file":                    {after(storeNew, func(h *Home) error { _, err := read(h, "/new"); return err }), download, "yes no no"},
		"open for reading and writing":                {func(h *Home) error { return opened(h.Create("/new")) }, download, "yes no no"},
		"rename a file":                               {move("/file", "/other"), rename, "yes no no"},
		"rename one's own file":                       {after(storeNew, move("/new", "/other")), rename, "yes no yes"},
		"rename one's own directory":                  {after(mkdir("/new"), move("/new", "/other")), rename, "yes no yes"},
		"rename one's own file twice":                 {after(after(storeNew, move("/new", "/b")), move("/b", "/c")), rename, "yes no yes"},
		"append below one's renamed directory":        {after(after(mkdir("/d"), send("/d/x", overwrite, 0)), after(move("/d", "/e"), send("/e/x", os.O_APPEND, 0))), modify, "yes no yes"},
		"rename over a file":                          {after(storeNew, move("/new", "/file")), replace, "yes no no"},
		"rename a directory over a file":              {after(mkdir("/new"), move("/new", "/file")), replace, "no no no"},
		"delete a file":                               {func(h *Home) error { return h.Remove("/file") }, remove, "yes no no"},
		"delete one's own file":                       {after(storeNew, func(h *Home) error { return h.Remove("/new") }), remove, "yes no no"},
		"delete a directory":                          {func(h *Home) error { return h.RemoveDir("/empty") }, remove, "yes no no"},
		"delete a tree":                               {func(h *Home) error { return h.RemoveAll("/dir") }, remove, "yes no no"},
		"set permissions":                             {func(h *Home) error { return h.Chmod("/file", 0o600) }, setMode, "yes no no"},
		"set times":                                   {touch("/file"), setTimes, "yes no no"},
		"set times of one's own file":                 {after(storeNew, touch("/new")), setTimes, "yes no yes"},
		"set the owner":                               {func(h *Home) error { return h.Chown("/file", os.Getuid(), os.Getgid()) }, setOwner, "no no no"},
		"ask for space":                               {func(h *Home) error { _, err := h.GetAvailableSpace("/"); return err }, list, "yes yes yes"},
		"append by a name that others gave one's own": {after(storeNew, after(linkKept, send("/kept", os.O_APPEND, 0))), modify, "yes no no"},
		"append to a file that replaced one's own":    {after(storeNew, after(exchange, appendNew)), modify, "yes no no"},
	}
	tried := make(map[operation]bool)
	for name, test := range tests {
		tried[test.op] = true
		t.Run(name, func(t *testing.T) {
			for mode, files := range map[string]Files{"direct": {}, "atomic": atomically} {
				got := ""
				for _, access := range []Access{ReadWrite, ReadOnly, UploadOnly} {
					switch err := test.try(newWorld(t).openWith(access, files)); {
					case err == nil:
						got += " yes"
					case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR):
						got += " no"
					default:
						t.Fatalf("%s: %v", access, err)
					}
				}
				if got = got[1:]; got != test.want {
					t.Errorf("%s: read-write, read-only, upload-only: got %q, want %q", mode, got, test.want)
				}
			}
		})
	}
	for op := range rules {
		if !tried[op] {
			t.Errorf("operation %q: no case here tries it", op)
		}
	}
}

func opened(f interface{ Close() error }, err error) error {
	if err != nil {
		return err
	}
	return f.Close()
}

// exchange puts somebody else's file in the place of /new.
func exchange(h *Home) error {
	if err := h.root.WriteFile("other", nil, 0o644); err != nil {
		return err
	}
	return h.root.Rename("other", "new")
}

// linkKept gives one's own /new a second name, as the operator may.
func linkKept(h *Home) error { return h.root.Link("new", "kept") }

// TestAFileThatAppearsMeanwhileIsNotOverwritten takes the first look away, as a
// race between two sessions would.
func TestAFileThatAppearsMeanwhileIsNotOverwritten(t *testing.T) {
	w := newWorld(t)
	h := w.open(UploadOnly)
	there := spot{homeItself{h.root, nil}, "", "file"}
	if _, _, err := h.openNew(target{"open", "/file", "file"}, there, os.O_WRONLY|overwrite); !errors.Is(err, fs.ErrExist) {
		t.Errorf("store: got %v, want file exists", err)
	}
	if err := errors.Join(storeNew(h), renameToNew(h.root, "new", "file")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("rename: got %v, want file exists", err)
	}
	w.wantFile(w.home+"/file", "content")
}

func TestARefusedUploadChangesNothing(t *testing.T) {
	for _, access := range []Access{ReadOnly, UploadOnly} {
		w := newWorld(t)
		if err := send("/file", overwrite, 0)(w.open(access)); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: got %v, want permission denied", access, err)
		}
		w.wantFile(w.home+"/file", "content")
	}
}

func TestTwoUploadOnlySessionsDontShareFiles(t *testing.T) {
	w := newWorld(t)
	first, second := w.open(UploadOnly), w.open(UploadOnly)
	if err := storeNew(first); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]try{"overwrite": storeNew, "append": appendNew, "rename": move("/new", "/mine")} {
		if err := try(second); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s by another session: got %v, want permission denied", name, err)
		}
	}
	w.wantFile(w.home+"/new", "sent")
}

func TestASessionForgetsItsOldestFiles(t *testing.T) {
	h := newWorld(t).open(UploadOnly)
	for range maxOwn {
		if err := h.Mkdir("/d", 0); err != nil {
			t.Fatal(err)
		}
		if err := h.root.Remove("d"); err != nil {
			t.Fatal(err)
		}
	}
	if err := storeNew(h); err != nil {
		t.Fatal(err)
	}
	if got := len(h.own.files); got != maxOwn {
		t.Errorf("files remembered: got %d, want %d", got, maxOwn)
	}
	if err := appendNew(h); err != nil {
		t.Errorf("the newest file is forgotten: %v", err)
	}
}
