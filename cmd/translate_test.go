package cmd

import (
	"log/slog"
	"os/user"
	"strconv"
	"testing"

	"natftpd/conf"
	"natftpd/driver"
)

func TestTheOwnerOfFilesIsLookedUpOnThisHost(t *testing.T) {
	root, err := user.LookupId("0")
	if err != nil {
		t.Skipf("this host has no user 0: %v", err)
	}
	gid, err := strconv.Atoi(root.Gid)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		written conf.Owner
		want    driver.Owner
	}{
		"numbers":             {conf.Owner{User: "1000", Group: "100"}, driver.Owner{UID: 1000, GID: 100}},
		"a number alone":      {conf.Owner{User: "1000"}, driver.Owner{UID: 1000, GID: -1}},
		"a name alone":        {conf.Owner{User: root.Username}, driver.Owner{UID: 0, GID: gid}},
		"a name and a number": {conf.Owner{User: root.Username, Group: "100"}, driver.Owner{UID: 0, GID: 100}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := ownerOf(test.written); err != nil || got != test.want {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestAnOwnerThatIsUnknownHereEndsTheStartWithTheKeyToChange(t *testing.T) {
	for _, owner := range []conf.Owner{{User: "nobody-of-that-name"}, {User: "0", Group: "nobody-of-that-name"}} {
		_, err := filesOf(conf.FTP{Owner: owner}, slog.New(slog.DiscardHandler))
		var p program
		p.err = t.Output()
		if err == nil || p.explain(err) != exitInvalid {
			t.Errorf("%+v: got %v, want an invalid configuration", owner, err)
		}
	}
}
