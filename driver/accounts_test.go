package driver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMistakesInAccounts(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		user User
		want string
	}{
		"no name":                     {User{Name: "", Password: "x", Home: folder, Access: ReadWrite}, "a user has no name"},
		"no home":                     {User{Name: "bob", Password: cheap, Home: "", Access: ReadWrite}, "user bob: has no home; name a folder"},
		"no password":                 {User{Name: "bob", Password: "", Home: folder, Access: ReadWrite}, "user bob: password is empty"},
		"a damaged hash":              {User{Name: "bob", Password: "$argon2id$v=19", Home: folder, Access: ReadWrite}, "user bob: argon2id hash: missing parameters"},
		"no access":                   {User{Name: "bob", Password: cheap, Home: folder, Access: ""}, `user bob: access is "", not read-write, read-only or upload-only`},
		"anonymous, a password":       {User{Name: anonymous, Password: "x", Home: folder, Access: ReadOnly}, "user anonymous: takes any password; leave the password out or choose another name"},
		"a start folder by detours":   {User{Name: "bob", Password: cheap, Home: folder, Access: ReadWrite, Start: "/../x"}, `user bob: start "/../x" is no folder of the home; write it as it is seen from there, for example /photos`},
		"a relative start folder":     {User{Name: "bob", Password: cheap, Home: folder, Access: ReadWrite, Start: "x"}, `user bob: start "x" is no folder of the home; write it as it is seen from there, for example /photos`},
		"a start folder of two lines": {User{Name: "bob", Password: cheap, Home: folder, Access: ReadWrite, Start: "/x\n"}, `user bob: start "/x\n" is no folder of the home; write it as it is seen from there, for example /photos`},
		"a quota below nothing":       {User{Name: "bob", Password: cheap, Home: folder, Access: ReadWrite, Quota: -1}, "user bob: a quota of -1 bytes; write 0 for no bound"},
		"a rate below nothing":        {User{Name: "bob", Password: cheap, Home: folder, Access: ReadWrite, MaxRate: -1}, "user bob: a rate of -1 bytes a second; write 0 for no bound"},
		"a name twice":                {User{Name: "alice", Password: cheap, Home: folder, Access: ReadWrite}, "user alice: written down twice"},
		"a file as home": {User{Name: "bob", Password: cheap, Home: file, Access: ReadWrite},
			"home " + file + " of user bob: mkdir " + file + ": not a directory; make it a folder that the server may enter, or name another home"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewAccounts([]User{{Name: "alice", Password: cheap, Home: folder, Access: ReadWrite}, test.user}, Files{})
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := NewAccounts([]User{{Name: "alice"}, {Name: "bob"}}, Files{})
	if err == nil || !strings.Contains(err.Error(), "alice") || !strings.Contains(err.Error(), "bob") {
		t.Errorf("got %v, want both users named", err)
	}
}

func TestAMissingHomeIsMade(t *testing.T) {
	home := filepath.Join(t.TempDir(), "srv", "alice")
	a := accounts(t, User{Name: "alice", Password: "x", Home: home, Access: UploadOnly})
	info, err := os.Stat(home)
	if err != nil || !info.IsDir() || info.Mode().Perm()&^homeMode != 0 {
		t.Errorf("home: got %v, %v, want a folder that others can't see into", info, err)
	}
	if got := a.Warnings(); len(got) != 0 {
		t.Errorf("warnings: got %q, want none", got)
	}
	account, err := a.Login(t.Context(), Attempt{Name: "alice", Password: "x"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := account.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(storeNew(h), h.Close()); err != nil {
		t.Error(err)
	}
}

func TestAHomeThatWentAwayIsNotNamedToTheClient(t *testing.T) {
	home := filepath.Join(t.TempDir(), "alice")
	a := accounts(t, User{Name: "alice", Password: cheap, Home: home, Access: ReadWrite})
	if err := os.Remove(home); err != nil {
		t.Fatal(err)
	}
	_, err := a.book.Load().find("alice").Open()
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), home) || !strings.Contains(err.Error(), "user alice") {
		t.Errorf("got %v, want not found of user alice, without the path", err)
	}
}

func TestWhereASessionBegins(t *testing.T) {
	home := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(home, "photos"), 0o755), os.WriteFile(filepath.Join(home, "file"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ start, want, warning string }{
		"the home":             {"", "/", ""},
		"the home, said so":    {"/", "/", ""},
		"a folder":             {"/photos", "/photos", ""},
		"a folder and a slash": {"/photos/", "/photos", ""},
		"a missing folder":     {"/a/b", "/a/b", "start folder /a/b of user alice: file does not exist; make it, or sessions begin in /"},
		"a file":               {"/file", "/file", "start folder /file of user alice: not a directory; make it, or sessions begin in /"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := accounts(t, User{Name: "alice", Password: cheap, Home: home, Access: ReadWrite, Start: test.start})
			if got := a.book.Load().find("alice").Start(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := strings.Join(a.Warnings(), "\n"); got != test.warning {
				t.Errorf("warnings: got %q, want %q", got, test.warning)
			}
		})
	}
}
