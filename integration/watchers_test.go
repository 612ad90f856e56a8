//go:build linux

package integration

import (
	"bufio"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// watchers is how many look at the page, and watchersShare what the server may
	// take of a core meanwhile.
	watchers      = 50
	watchersShare = 0.02
	// rounds is how many seconds that is measured for: there is news each second
	// while something moves.
	rounds = 3
)

func TestFiftyWatchersCostLittle(t *testing.T) {
	t.Parallel()
	s := configureLocal(t, "max_sessions_per_ip: 0, new_sessions_per_ip: 0")
	port, _, err := newPortBlocks().next()
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(loopback, uint16(port))
	s.replace(t, "status: {listen: off}", fmt.Sprintf("status: {listen: %q}", at))
	cmd := s.command()
	cmd.Path = filepath.Join(buildPlain(t), "natftpd")
	s.run(t, cmd)

	for range 20 {
		s.login(t)
	}
	s.trickle(t)
	news := make(chan struct{}, watchers)
	for range watchers {
		s.watch(t, at, news)
	}
	await := func(n int) {
		for range n {
			select {
			case <-news:
			case <-time.After(answerWithin):
				t.Fatal("the pages hear no news of the upload")
			}
		}
	}
	await(watchers) // the first time each gets everything
	began, before := time.Now(), cpuTime(t, s.pid)
	await(rounds * watchers)
	used, took := cpuTime(t, s.pid)-before, time.Since(began)
	share := used.Seconds() / took.Seconds()
	t.Logf("%d watchers and an upload: %v in %v, %.2f %% of a core", watchers, used, took, 100*share)
	if share > watchersShare {
		t.Errorf("that is more than %.0f %%", 100*watchersShare)
	}
}

// trickle uploads something, block by block, until the test ends.
func (s *local) trickle(t *testing.T) {
	t.Helper()
	data, err := s.login(t).open(s, "STOR trickle.bin")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			<-tick.C
			if data.SetDeadline(time.Now().Add(answerWithin)) != nil {
				return
			}
			if _, err := data.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
}

// watch opens the page as a browser does that stays, and passes on when there is news
// of the transfers.
func (s *local) watch(t *testing.T, at netip.AddrPort, news chan<- struct{}) {
	t.Helper()
	conn, err := s.Dial(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /live HTTP/1.1\r\nHost: %s\r\n\r\n", at); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewReader(conn); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "event: transfers") {
				select {
				case news <- struct{}{}:
				case <-t.Context().Done():
					return
				}
			}
		}
	}()
}

// cpuTime is what a process has used so far (clock_getcpuclockid(3)).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	const schedulers = 2
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulers), &at); err != nil {
		t.Fatalf("CPU time of process %d: %v", pid, err)
	}
	return time.Duration(at.Nano())
}
