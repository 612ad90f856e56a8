//go:build linux

package status

import (
	"context"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/integration/browser"
	"natftpd/natdiscovery"
)

// Whatever the verdict, on any screen, nobody is kept from using the page: not who
// sees little or no colour, nor who has it read out, nor who has a keyboard only.
func TestEverybodyCanUseThePage(t *testing.T) {
	t.Parallel()
	world := new(news)
	world.become(reachable())
	url, stop := running(t, livelyServer(t, world))
	t.Cleanup(stop)
	page := browser.Open(t, exec.Command, url+"/")
	page.Until(`document.getElementById("live").dataset.state === "on"`)
	page.Eval(`document.querySelector("#doctor-form button").click()`)
	page.Until(`document.getElementById("doctor").textContent.startsWith("reachable")`)
	for _, st := range []*natdiscovery.Status{carrierNAT(), byHand(), reachable()} {
		world.become(st)
		page.Until(`document.querySelector("#verdict h1").textContent === "` + wordsOf(st.Verdict).sentence + `"`)
		for _, screen := range browser.Screens() {
			page.On(screen)
			for _, f := range page.Audit() {
				t.Errorf("%s, %s: axe-core finds %+v", st.Verdict, screen.Name, f)
			}
			keepPicture(t, string(st.Verdict)+", "+screen.Name, page.Whole)
		}
	}
	page.On(browser.Screens()[0])
	keepPicture(t, "status-page", page.Picture)
	page.Eval(`document.documentElement.style.setProperty("--soft", "#bbb"); document.documentElement.lang = ""`)
	if all := page.Audit(); len(all) != 2 {
		t.Errorf("notes that few can read, a page of no language: axe-core finds %+v, want these two", all)
	}
}

// livelyServer is one where every section has something to show.
func livelyServer(t *testing.T, world *news) *Server {
	t.Helper()
	cfg := config(t)
	cfg.Status, cfg.Changed = world.Status, world.Changed
	cfg.Doctor = func(context.Context) (string, error) {
		report, err := os.ReadFile(filepath.Join("..", "..", "cmd", "testdata", "doctor", "reachable.txt"))
		return string(report), err
	}
	now := time.Now()
	for _, one := range []struct {
		client, user, command, path string
		port                        uint16
		size, perSecond             int64
		since                       time.Duration
	}{
		{"198.51.100.23", "alice", "STOR", "/films/A summer by the lake.mkv", 50001, 4_700_000_000, 11_300_000, 4 * time.Minute},
		{"192.0.2.80", "bob", "RETR", "/photos/2026/All of the wedding.zip", 50004, 812_000_000, 5_200_000, 31 * time.Second},
		{"192.168.1.34", "scanner", "STOR", "/inbox/Scan 0417.pdf", 50005, -1, 640_000, 3 * time.Second},
	} {
		s, _ := enter(t, cfg.Sessions, one.client, one.user)
		s.Begin(driver.Activity{
			Command: one.command, Path: one.path, Size: one.size, Port: one.port, TLS: one.user != "scanner",
			Since: now.Add(-one.since), Flow: steady{now.Add(-one.since), one.perSecond, one.command == "STOR"},
		})
	}
	enter(t, cfg.Sessions, "203.0.113.140", "")
	cfg.Bans.Failed(driver.Attempt{Name: "root", Password: "guess", Client: netip.MustParseAddr("203.0.113.66")})
	tell(t, cfg.Timeline, now)
	s := newServer(t, cfg)
	s.meter.count(now)
	last := now.UnixNano() / int64(bucket)
	for i := range int64(buckets) {
		wave := 1 + math.Sin(float64(i)/4)*math.Sin(float64(i)/11)
		c := column{number: last - i, received: int64(120e6 * wave), sent: int64(52e6 * math.Sqrt(wave))}
		if i == 0 { // it has just begun; what these have moved so far is no peak
			c.received, c.sent = 0, 0
		}
		s.meter.columns[c.number%buckets] = c
	}
	return s
}

// steady is a transfer that has moved at one speed from its beginning.
type steady struct {
	began     time.Time
	perSecond int64
	up        bool
}

func (s steady) Received() int64 { return s.moved(s.up) }
func (s steady) Sent() int64     { return s.moved(!s.up) }

func (s steady) moved(so bool) int64 {
	if !so {
		return 0
	}
	return int64(time.Since(s.began).Seconds() * float64(s.perSecond))
}

// tell tells a timeline of a day.
func tell(t *testing.T, timeline *Timeline, now time.Time) {
	t.Helper()
	log := timeline.Behind(slog.DiscardHandler)
	for _, e := range []struct {
		ago   time.Duration
		level slog.Level
		what  string
		facts []any
	}{
		{9 * time.Hour, slog.LevelInfo, "gateway found", []any{"gateway", "192.168.1.1", "method", "upnp", "model", "AVM FRITZ!Box 7590"}},
		{9 * time.Hour, slog.LevelInfo, "external address learnt", []any{"external", "203.0.113.9", "source", "gateway"}},
		{3 * time.Hour, slog.LevelWarn, "gateway lost, looking for it", []any{"gateway", "192.168.1.1"}},
		{3*time.Hour - 2*time.Minute, slog.LevelInfo, "gateway found", []any{"gateway", "192.168.1.1", "method", "upnp", "model", "AVM FRITZ!Box 7590"}},
		{3*time.Hour - 2*time.Minute, slog.LevelInfo, "external address changed", []any{"old", "203.0.113.9", "external", "203.0.113.57", "source", "gateway"}},
		{time.Minute, slog.LevelWarn, "login refused", []any{"client", "203.0.113.66", "user", "root", "reason", "wrong user name or password"}},
	} {
		r := slog.NewRecord(now.Add(-e.ago), e.level, e.what, 0)
		r.Add(e.facts...)
		if err := log.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}
