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
		"no name":               {User{Name: "", Password: "x", Home: folder, Access: ReadWrite}, "a user has no name"},
		"no home":               {User{Name: "bob", Password: cheap, Home: "", Access: ReadWrite}, "user bob: has no home; name a folder"},
		"no password":           {User{Name: "bob", Password: "", Home: folder, Access: ReadWrite}, "user bob: password is empty"},
		"a damaged hash":        {User{Name: "bob", Password: "$argon2id$v=19", Home: folder, Access: ReadWrite}, "user bob: argon2id hash: missing parameters"},
		"no access":             {User{Name: "bob", Password: cheap, Home: folder, Access: ""}, `user bob: access is "", not read-write, read-only or upload-only`},
		"anonymous, a password": {User{Name: anonymous, Password: "x", Home: folder, Access: ReadOnly}, "user anonymous: takes any password; leave the password out or choose another name"},
		"a name twice":          {User{Name: "alice", Password: cheap, Home: folder, Access: ReadWrite}, "user alice: written down twice"},
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
