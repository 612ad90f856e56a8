package conf_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"natftpd/conf"
)

// FuzzLoad holds that any file is either a list of mistakes or a configuration that,
// shown, loads again as the same.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{full, conf.Example(), "ftp:\n\tlisten: 1\n", "users: &a\n- *a\n", "{a: {b: [c", "? [a]\n: |\n b\n", "users: [~, {}, []]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		l := loadBytes(t, content)
		if l == nil {
			return
		}
		again := loadBytes(t, []byte(withPasswords(show(t, l), l)))
		if again == nil {
			t.Fatalf("what is shown is invalid:\n%s", show(t, l))
		}
		if !reflect.DeepEqual(withMethods(again.Config), withMethods(l.Config)) {
			t.Fatalf("got  %+v\nwant %+v", again.Config, l.Config)
		}
	})
}

func loadBytes(t *testing.T, content []byte) *conf.Loaded {
	t.Helper()
	path := filepath.Join(t.TempDir(), "natftpd.yaml")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := conf.Load(conf.Source{Path: path})
	var mistakes *conf.Mistakes
	if err != nil && !errors.As(err, &mistakes) {
		t.Fatalf("got %v, want mistakes", err)
	}
	return l
}

// withMethods makes no methods one value: [] leaves nil, and off an empty list.
func withMethods(c conf.Config) conf.Config {
	c.NAT.PortMapping.Methods = append([]string{}, c.NAT.PortMapping.Methods...)
	return c
}
