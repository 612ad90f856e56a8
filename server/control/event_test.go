package control_test

import (
	"io"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/server/control"
)

func TestWhatClientsDoIsTold(t *testing.T) {
	var mu sync.Mutex
	var told []control.Event
	bans, err := driver.NewBans(driver.BanConfig{Failures: 1, First: time.Hour, Longest: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(cfg *control.Config) {
		cfg.Bans = bans
		cfg.Happened = func(e control.Event) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, e)
		}
	})
	s.write("f", []byte("content"))
	c := s.login()
	d := c.pasv()
	c.cmd("RETR f", "150")
	if _, err := io.ReadAll(d); err != nil {
		t.Fatal(err)
	}
	c.expect("226")
	d = c.pasv()
	c.cmd("STOR g", "150")
	if _, err := io.WriteString(d, "more content"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	c.expect("226")
	c.cmd("RETR missing", "425") // without a data connection
	stranger := s.connect()
	stranger.cmd("USER alice", "331")
	stranger.cmd("PASS guessed", "421")

	mu.Lock()
	defer mu.Unlock()
	for i, e := range told { // what differs from run to run
		switch e := e.(type) {
		case control.Transfer:
			e.Took = 0
			told[i] = e
		case control.Ban:
			e.Until = time.Time{}
			told[i] = e
		}
	}
	here := netip.MustParseAddr("127.0.0.1")
	want := []control.Event{
		control.Login{Client: here, User: "alice"},
		control.Transfer{Client: here, User: "alice", Path: "/f", Bytes: 7, Complete: true},
		control.Transfer{Client: here, User: "alice", Path: "/g", Upload: true, Bytes: 12, Complete: true},
		control.Ban{Client: here, User: "alice"},
	}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("got  %+v\nwant %+v", told, want)
	}
}
