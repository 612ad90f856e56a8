package control_test

import (
	"path/filepath"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/server/control"
)

func TestAnInterruptedUploadIsResumedAndTheOldFileWaits(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	accounts, err := driver.NewAccounts([]driver.User{
		{Name: "alice", Password: quickHash, Home: home, Access: driver.ReadWrite},
	}, driver.Files{Atomic: true, KeepPartial: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(cfg *control.Config) {
		cfg.Accounts, cfg.DataTimeout = accounts, 100*time.Millisecond
	})
	s.home = home
	c := s.login()
	c.cmd("TYPE I", "200")
	for _, name := range []string{"f", "g"} {
		s.write(name, []byte("old"))
		d := c.pasv()
		c.cmd("STOR "+name, "150")
		d.Write([]byte("new con"))
		c.expect("426") // for it stands still
		c.cmd("SIZE "+name, "213 7")
	}
	c.cmd("REST 7", "350")
	c.upload("STOR f", "tent", "150")
	if got := s.stored("f"); got != "new content" {
		t.Errorf("resumed: got %q", got)
	}
	c.pasv()
	c.cmd("RETR g", "450 /g: an interrupted upload of this file waits to be resumed; ask again for the old one.")
	if got := c.download("RETR g", c.pasv()); got != "old" {
		t.Errorf("asked again: got %q", got)
	}
}
