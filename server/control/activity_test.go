package control_test

import (
	"io"
	"reflect"
	"testing"
	"time"

	"natftpd/server/control"
)

func TestATransferIsSeenWhileItRuns(t *testing.T) {
	counters := new(control.Counters)
	s := serve(t, func(cfg *control.Config) { cfg.DataTimeout, cfg.Counters = time.Hour, counters })
	c, _ := stalling(t, s)
	session := s.sess.All()[0]
	a := session.Activity()
	if a == nil {
		t.Fatal("nothing is seen of a download that runs")
	}
	if a.Command != "RETR" || a.Path != "/big" || a.Size != 32<<20 || a.TLS || a.Port == 0 {
		t.Errorf("seen: %+v, want RETR of /big, 32 MiB, in clear, by a passive port", a)
	}
	session.End()
	c.ended()
	want := map[control.LoginResult]uint64{control.LoginGranted: 1}
	if got := counters.Logins.All(); !reflect.DeepEqual(got, want) {
		t.Errorf("logins: %v, want %v", got, want)
	}
}

func TestAnUploadThatWasAnnouncedIsSeenWithItsSize(t *testing.T) {
	s := serve(t, nil)
	c := s.login()
	c.cmd("ALLO 7", "200")
	d := c.pasv()
	c.cmd("STOR f", "150")
	if a := s.sess.All()[0].Activity(); a == nil || a.Command != "STOR" || a.Size != 7 {
		t.Errorf("seen: %+v, want STOR of 7 bytes", a)
	}
	if _, err := io.WriteString(d, "content"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	c.expect("226")
	if a := s.sess.All()[0].Activity(); a != nil {
		t.Errorf("afterwards: %+v, want nothing", a)
	}
}

func TestTransfersAndLoginsAreCountedByWhatBecameOfThem(t *testing.T) {
	counters := new(control.Counters)
	s := serve(t, func(cfg *control.Config) { cfg.Counters = counters })
	s.write("f", []byte("content"))
	c := s.login()
	for _, command := range []string{"RETR f", "MLSD"} {
		d := c.pasv()
		c.cmd(command, "150")
		if _, err := io.ReadAll(d); err != nil {
			t.Fatal(err)
		}
		c.expect("226")
	}
	c.cmd("PASV", "227")
	c.cmd("RETR missing", "550")
	stranger := s.connect()
	stranger.cmd("USER alice", "331")
	stranger.cmd("PASS guessed", "530")

	transfers := map[control.TransferResult]uint64{
		{Kind: "download", Channel: "clear", Result: "complete"}: 1,
		{Kind: "download", Channel: "clear", Result: "failed"}:   1,
		{Kind: "listing", Channel: "clear", Result: "complete"}:  1,
	}
	if got := counters.Transfers.All(); !reflect.DeepEqual(got, transfers) {
		t.Errorf("transfers: %v, want %v", got, transfers)
	}
	logins := map[control.LoginResult]uint64{control.LoginGranted: 1, control.LoginWrong: 1}
	if got := counters.Logins.All(); !reflect.DeepEqual(got, logins) {
		t.Errorf("logins: %v, want %v", got, logins)
	}
	if got := counters.Arrivals.All()[control.Arrival{Arrived: true}]; got != 2 {
		t.Errorf("%d data connections came, want 2", got)
	}
	if sent, _ := s.sess.Moved(); sent <= int64(len("content")) {
		t.Errorf("%d bytes were sent, want the file and a listing", sent)
	}
}
