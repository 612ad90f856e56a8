package xferlog_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"natftpd/server/xferlog"
)

var ended = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestLinesAreThoseOfXferlog5(t *testing.T) {
	client := netip.MustParseAddr("203.0.113.5")
	tests := map[string]struct {
		entry xferlog.Entry
		want  string
	}{
		"an upload": {xferlog.Entry{Ended: ended, Took: 1500 * time.Millisecond, Client: client, Bytes: 12, Path: "/a/b.jpg", Upload: true, User: "alice", Complete: true},
			"Wed Mar  4 05:06:07 2026 2 203.0.113.5 12 /a/b.jpg b _ i r alice ftp 0 * c\n"},
		"an anonymous download that broke": {xferlog.Entry{Ended: ended, Client: netip.MustParseAddr("2001:db8::1"), Path: "/f", User: "anonymous", Anonymous: true},
			"Wed Mar  4 05:06:07 2026 1 2001:db8::1 0 /f b _ o a anonymous ftp 0 * i\n"},
		"a name that would be two lines": {xferlog.Entry{Ended: ended, Took: time.Second, Client: client, Path: "/a b\n\u202ec\xff", User: "al ice"},
			"Wed Mar  4 05:06:07 2026 1 203.0.113.5 0 /a_b__c\ufffd b _ o r al_ice ftp 0 * i\n"},
		"nobody, nothing": {xferlog.Entry{Ended: ended, Client: client},
			"Wed Mar  4 05:06:07 2026 1 203.0.113.5 0 ? b _ o r ? ftp 0 * i\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "xferlog")
			l := open(t, file)
			l.Add(test.entry)
			if got := read(t, file); got != test.want {
				t.Errorf("got  %swant %s", got, test.want)
			}
			if fields := strings.Fields(test.want); len(fields) != 18 {
				t.Errorf("%d fields, want the 18 of xferlog(5)", len(fields))
			}
		})
	}
}

func open(t *testing.T, file string) *xferlog.Log {
	t.Helper()
	l := xferlog.New(slog.New(slog.DiscardHandler))
	if err := l.Open(file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAFileThatWasMovedAwayIsLetGo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "xferlog")
	l := open(t, file)
	l.Add(xferlog.Entry{User: "first"})
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Open(file); err != nil {
		t.Fatal(err)
	}
	l.Add(xferlog.Entry{User: "second"})
	if err := l.Open(filepath.Join(file, "no folder")); err == nil {
		t.Error("a file that cannot be is opened")
	}
	l.Add(xferlog.Entry{User: "third"})
	l.Close()
	l.Add(xferlog.Entry{User: "fourth"})
	if old, now := read(t, file+".1"), read(t, file); strings.Count(old, "\n") != 1 || !strings.Contains(old, "first") ||
		strings.Count(now, "\n") != 2 || !strings.Contains(now, "third") {
		t.Errorf("before:\n%safter:\n%s", old, now)
	}
}

func TestAFullDiskIsToldOnce(t *testing.T) {
	var told bytes.Buffer
	l := xferlog.New(slog.New(slog.NewTextHandler(&told, nil)))
	if err := l.Open("/dev/full"); err != nil {
		t.Skip(err)
	}
	defer l.Close()
	for range 3 {
		l.Add(xferlog.Entry{})
	}
	l.Close()
	if got := strings.Count(told.String(), "transfers are not logged"); got != 1 {
		t.Errorf("told %d times, want once:\n%s", got, &told)
	}
}
