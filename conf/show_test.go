package conf_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"natftpd/conf"
)

func TestShowPrintsEachValueWithItsOrigin(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "show.golden"))
	if err != nil {
		t.Fatal(err)
	}
	got := show(t, mustLoad(t, full, "NATFTPD_USER=carol", "NATFTPD_PASSWORD=open sesame", "NATFTPD_NAT_LEASE=30m"))
	if got != string(golden) {
		t.Errorf("got\n%s\nwant\n%s", got, golden)
	}
}

func TestWhatIsShownLoadsAgain(t *testing.T) {
	want := mustLoad(t, full)
	if got := mustLoad(t, withPasswords(show(t, want), want)); !reflect.DeepEqual(got.Config, want.Config) {
		t.Errorf("got  %+v\nwant %+v", got.Config, want.Config)
	}
}

func TestWhatIsShownHoldsNoPassword(t *testing.T) {
	_, err := load(t, show(t, mustLoad(t, "", alice...)))
	expectMistakes(t, err, "natftpd.yaml:39:5: users.password: is missing for alice; write a hash made by natftpd hash-password")
}

func show(t testing.TB, l *conf.Loaded) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.Show(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// withPasswords puts the passwords back that were left out.
func withPasswords(shown string, l *conf.Loaded) string {
	var passwords []string
	for _, u := range l.Users {
		passwords = append(passwords, u.Password)
	}
	for _, p := range append(passwords, l.Status.Password) {
		if p != "" {
			shown = strings.Replace(shown, "# password: set", "password: '"+strings.ReplaceAll(p, "'", "''")+"'", 1)
		}
	}
	for _, h := range l.Hooks {
		if h.Secret != "" {
			shown = strings.Replace(shown, "# secret: set", "secret: "+h.Secret, 1)
		}
	}
	return shown
}
