package cmd

import (
	"strings"
	"testing"
	"time"

	"natftpd/server/status"
)

func TestTheOverviewTellsWhatThePageShows(t *testing.T) {
	then := time.Date(2026, 3, 14, 9, 26, 53, 0, time.Local)
	snap := &status.Snapshot{
		Verdict: "reachable", Address: "ftp://203.0.113.57:2121", Started: then,
		Path: []status.Hop{{Name: "Router", Label: "opens all 11 ports", Facts: []string{"192.168.1.1"}}},
		Passive: status.Passive{First: 50000, Last: 50001, Ports: []status.PassivePort{
			{Port: 50000, Use: status.PortInUse}, {Port: 50001, Use: status.PortFree}}},
		Sessions: []status.Session{{ID: 7, Client: "198.51.100.23", User: "alice", Since: then}, {ID: 8, Client: "198.51.100.9", Since: then}},
		Transfers: []status.Transfer{{Session: 7, Direction: "upload", Path: "/a\x1b[2Jb\u202ec", Bytes: 1_500_000, Size: 3_000_000,
			BytesPerSecond: 500_000, SecondsLeft: 3}},
		Bans:       []status.Ban{{Clients: "198.51.100.66", Until: then}},
		Throughput: status.Throughput{Sent: []int64{0}, Received: []int64{500_000}},
		Totals:     status.Totals{Sent: 2_000_000, Received: 4_000_000},
		Events: []status.Event{{Time: then, Message: "login refused", Times: 3,
			Facts: []status.Fact{{Name: "client", Value: "198.51.100.66"}, {Name: "user", Value: "ro\not"}}}},
	}
	want := `reachable: friends dial ftp://203.0.113.57:2121

  Router     opens all 11 ports, 192.168.1.1

  ports    passive 50000-50001: 1 free, 1 in use
  moves    0 B/s sent, 500 kB/s received; 2.0 MB and 4.0 MB since 14 Mar
           09:26:53
  sessions 2
           alice from 198.51.100.23 since 14 Mar 09:26:53: upload of
           /a<001B>[2Jb<202E>c, 1.5 MB of 3.0 MB, 500 kB/s, 3 s left
           (not logged in) from 198.51.100.9 since 14 Mar 09:26:53
  banned   198.51.100.66 until 14 Mar 09:26:53

  14 Mar 09:26:53  login refused (3 times) client=198.51.100.66 user=ro<000A>ot
`
	if got := overview(snap); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(overview(snap)) {
		if len([]rune(line)) > columns+1 {
			t.Errorf("%q is longer than a terminal is wide", line)
		}
	}
}
