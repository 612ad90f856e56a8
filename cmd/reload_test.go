package cmd

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natftpd/conf"
	"natftpd/driver"
)

// running is a server's part that a reload changes, with a configuration file.
type running struct {
	*reloader
	file string
	log  bytes.Buffer
}

func startRunning(t *testing.T, text string) *running {
	t.Helper()
	t.Chdir(t.TempDir())
	r := &running{file: filepath.Join(t.TempDir(), "natftpd.yaml")}
	r.write(t, text)
	p := &program{config: r.file, err: t.Output()}
	loaded, err := p.load()
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := driver.NewAccounts(usersOf(loaded), driver.Files{})
	if err != nil {
		t.Fatal(err)
	}
	r.reloader = &reloader{load: p.load, inForce: loaded, users: usersOf(loaded), accounts: accounts,
		sessions: driver.NewSessions(limitsOf(loaded.FTP)), log: slog.New(slog.NewTextHandler(&r.log, nil))}
	return r
}

func (r *running) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logsIn tells whether a name and a password are good for a login.
func (r *running) logsIn(t *testing.T, name, password string) bool {
	t.Helper()
	_, err := r.accounts.Login(t.Context(), driver.Attempt{Name: name, Password: password})
	if err != nil && !errors.Is(err, driver.ErrLogin) {
		t.Fatal(err)
	}
	return err == nil
}

const aliceAlone = "users: [{name: alice, password: old, home: a}]\n"

func TestAReloadPutsUsersInForce(t *testing.T) {
	r := startRunning(t, aliceAlone)
	r.write(t, "ftp: {max_sessions: 5, idle_timeout: 1m}\nusers: [{name: alice, password: new, home: a}, {name: bob, password: his, home: b}]\n")
	r.reload()
	for who, want := range map[[2]string]bool{{"alice", "old"}: false, {"alice", "new"}: true, {"bob", "his"}: true} {
		if got := r.logsIn(t, who[0], who[1]); got != want {
			t.Errorf("login of %s with %q: got %t, want %t", who[0], who[1], got, want)
		}
	}
	for _, want := range []string{
		`msg="configuration changed" key=ftp.max_sessions old=250 new=5`,
		`msg="configuration changed, but this key waits for the next start" key=ftp.idle_timeout old=15m new=1m`,
		`msg="configuration changed" key=users.alice.password`,
		`msg="configuration changed" key=users.bob`,
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &r.log)
		}
	}
}

func TestABrokenConfigurationLeavesTheOldOneInForce(t *testing.T) {
	tests := map[string]struct{ text, mistake string }{
		"a mistake":           {"ftp: {listen: 2121}\n" + aliceAlone, "ftp.listen"},
		"no users any more":   {"ftp: {}\n", "nobody may log in"},
		"an owner unknown":    {"ftp: {owner: nobody-of-that-name}\n" + aliceAlone, "ftp.owner"},
		"a home that is none": {"users: [{name: alice, password: new, home: /dev/null}]\n", "home /dev/null of user alice"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := startRunning(t, aliceAlone)
			r.write(t, test.text)
			r.reload()
			if !r.logsIn(t, "alice", "old") {
				t.Error("alice, as she was, cannot log in")
			}
			if log := r.log.String(); !strings.Contains(log, "the old one stays in force") || !strings.Contains(log, test.mistake) {
				t.Errorf("the log does not say that and why (%s):\n%s", test.mistake, log)
			}
		})
	}
	t.Run("a file that is gone", func(t *testing.T) {
		r := startRunning(t, aliceAlone)
		r.load = func() (*conf.Loaded, error) { return conf.Load(conf.Source{Search: []string{}}) }
		r.reload()
		if !r.logsIn(t, "alice", "old") || !strings.Contains(r.log.String(), "put it back") {
			t.Errorf("want alice to log in as before, and the log to say what to do:\n%s", &r.log)
		}
	})
}
