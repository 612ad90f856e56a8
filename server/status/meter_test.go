package status

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/driver"
)

func TestTheMeterCountsWhileSomethingMovesAndSleepsOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := driver.NewSessions(driver.Limits{})
		m := newMeter(sessions)
		go m.run(t.Context())
		time.Sleep(time.Hour)
		synctest.Wait()
		if !m.at.IsZero() {
			t.Error("it counted while nothing moved")
		}
		s, _ := enter(t, sessions, "192.0.2.1", "alice")
		f := new(flow)
		a := driver.Activity{Command: "RETR", Size: 90_000, Since: time.Now(), Flow: f}
		s.Begin(a)
		for range 30 {
			time.Sleep(time.Second)
			f.sent.Add(1000)
		}
		time.Sleep(bucket) // so that the latest count has it all
		s.Done()
		time.Sleep(bucket)
		synctest.Wait()
		total := int64(0)
		for _, v := range m.throughput(time.Now()).Sent {
			total += v * int64(bucket/time.Second)
		}
		if total != 30_000 {
			t.Errorf("%d bytes are in the chart, want 30000", total)
		}
		last := m.at
		time.Sleep(time.Hour)
		synctest.Wait()
		if m.at != last {
			t.Error("it counts on when nothing moves any more")
		}
		if got := slices.Max(m.throughput(time.Now()).Sent); got != 0 {
			t.Errorf("an hour later the chart shows %d bytes a second", got)
		}
	})
}

func TestTheSpeedOfATransferFollowsWhatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(t)
		session, _ := enter(t, cfg.Sessions, "192.0.2.1", "alice")
		f := new(flow)
		session.Begin(driver.Activity{Command: "RETR", Path: "/f", Size: 20_000, Offset: 2_000, Since: time.Now(), Flow: f})
		s := newServer(t, cfg)
		for range 8 {
			time.Sleep(time.Second)
			f.sent.Add(1000)
			s.snapshot()
		}
		got := s.snapshot().Transfers[0]
		if got.BytesPerSecond < 990 || got.BytesPerSecond > 1010 || got.SecondsLeft != 10 || got.Bytes != 8000 {
			t.Errorf("got %+v, want 1000 bytes a second and ten seconds left", got)
		}
		for range 20 {
			time.Sleep(time.Second)
			s.snapshot()
		}
		if got := s.snapshot().Transfers[0]; got.BytesPerSecond > 10 || got.Bytes != 8000 {
			t.Errorf("when it stands still: %+v", got)
		}
	})
}
