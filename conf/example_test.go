package conf_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"natftpd/conf"
)

func TestTheExampleIsTheDefaults(t *testing.T) {
	want, got := mustLoad(t, "", alice...), mustLoad(t, conf.Example(), alice...)
	if !reflect.DeepEqual(got.Config, want.Config) {
		t.Errorf("got  %+v\nwant %+v", got.Config, want.Config)
	}
}

func TestTheExampleHasEveryKey(t *testing.T) {
	l := mustLoad(t, conf.Example(), alice...)
	for text := range strings.Lines(show(t, l)) {
		if strings.HasSuffix(text, "# default\n") && !strings.HasPrefix(text, "   ") {
			t.Errorf("%q comes from the default, want it in the example", text)
		}
	}
}

func TestTheExampleWantsOnlyUsers(t *testing.T) {
	_, err := load(t, conf.Example())
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "users: nobody may log in") {
		t.Errorf("got %v, want the mistake that nobody may log in", err)
	}
}

func TestWhatTheExampleHasInCommentsIsValid(t *testing.T) {
	entry := regexp.MustCompile(`(?m)^( *)# (- |  )(\w+: \S)`)
	l := mustLoad(t, entry.ReplaceAllString(conf.Example(), "$1$2$3"))
	if len(l.Users) != 2 || len(l.NAT.AddressOverrides) != 1 {
		t.Errorf("got %+v and %+v, want alice, anonymous and an override", l.Users, l.NAT.AddressOverrides)
	}
}
