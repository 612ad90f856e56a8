package status

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/natdiscovery"
)

var update = flag.Bool("update", false, "write the golden files anew")

// get asks a server for a path, as its own host's browser does.
func get(s *Server, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8021"
	w := httptest.NewRecorder()
	s.guarded().ServeHTTP(w, r)
	return w
}

func TestThePageSaysEachVerdict(t *testing.T) {
	for name, st := range map[string]*natdiscovery.Status{
		"reachable": reachable(), "carrier_nat": carrierNAT(), "by_hand": byHand(), "looking": {},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".html", shown(t, st, "verdict")+shown(t, st, "path"))
		})
	}
}

func TestThePassiveRangeIsToldPortByPort(t *testing.T) {
	golden(t, "passive.html", shown(t, byHand(), "passive"))
}

// shown is a section of the page, without the template's empty lines.
func shown(t *testing.T, st *natdiscovery.Status, section string) string {
	t.Helper()
	cfg := config(t)
	cfg.Status = func() *natdiscovery.Status { return st }
	s := newServer(t, cfg)
	html, err := s.section(section, s.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(html)) {
		if line = strings.TrimSpace(line); line != "" {
			got.WriteString(line + "\n")
		}
	}
	return got.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestThePageIsWholeWithoutAScript(t *testing.T) {
	cfg := config(t)
	alice, _ := enter(t, cfg.Sessions, "198.51.100.23", "alice")
	down := new(flow)
	down.sent.Store(250)
	alice.Begin(driver.Activity{Command: "RETR", Path: "/film", Size: 1000, Since: time.Now().Add(-time.Second), Flow: down})
	for i := range 999 {
		s, _ := enter(t, cfg.Sessions, "198.51.100.24", "bob")
		s.Begin(driver.Activity{Command: "STOR", Path: fmt.Sprintf("/photos/2026/IMG_%04d.jpeg", i), Size: -1, Since: time.Now(), Flow: new(flow)})
	}
	w := get(newServer(t, cfg), "/")
	page := w.Body.String()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d, %q", w.Code, w.Header().Get("Content-Type"))
	}
	for _, want := range []string{
		"ftp://203.0.113.57:2121", "alice", "/film", `value="25"`, "250 B of 1.0 kB", `action="/sessions/end"`,
		`<noscript><meta http-equiv="refresh"`, `<html lang="en">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in the page", want)
		}
	}
	if want := "and 950 more"; strings.Count(page, want) != 2 {
		t.Errorf("%q is there %d times, want of sessions and of transfers", want, strings.Count(page, want))
	}
	first := w.Body.Len()
	for _, part := range []string{"/style.css", "/live.js", "/icon.svg"} {
		a := get(newServer(t, cfg), part)
		if a.Code != http.StatusOK || a.Header().Get("ETag") == "" {
			t.Errorf("%s: %d, ETag %q", part, a.Code, a.Header().Get("ETag"))
		}
		first += a.Body.Len()
	}
	if first > 100<<10 {
		t.Errorf("the first paint takes %d bytes, want less than 100 KiB", first)
	}
}

func TestWhatClientsNameIsShownHarmlessly(t *testing.T) {
	cfg := config(t)
	mallory, _ := enter(t, cfg.Sessions, "198.51.100.66", "<img src=x>")
	mallory.Begin(driver.Activity{
		Command: "STOR", Path: "/<script>alert(1)</script>\x1b[2J\u202egnp.exe\u200f\xff", Size: -1, Since: time.Now(), Flow: new(flow),
	})
	page := get(newServer(t, cfg), "/").Body.String()
	for _, harm := range []string{"<script>alert", "<img", "\x1b", "\u202e", "\u200f", "\xff"} {
		if strings.Contains(page, harm) {
			t.Errorf("the page holds %q", harm)
		}
	}
	if want := "&lt;script&gt;alert(1)&lt;/script&gt;&lt;001B&gt;[2J&lt;202E&gt;gnp.exe&lt;200F&gt;\uFFFD"; !strings.Contains(page, want) {
		t.Errorf("the page does not hold %q", want)
	}
}

func TestValuesInWords(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_949: "9.9 kB", 9_950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB",
		4_700_000_000: "4.7 GB", 1<<63 - 1: "9.2 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for seconds, want := range map[int64]string{
		-1: "", 0: "0 s left", 59: "59 s left", 61: "1 min 1 s left", 7325: "2 h 2 min left", 200_000: "2 days left",
	} {
		if got := Left(seconds); got != want {
			t.Errorf("%d: %q, want %q", seconds, got, want)
		}
	}
	for n, want := range map[int64]int64{1000: 1000, 1001: 2000, 2500: 5000, 7_000_000: 10_000_000} {
		if got := round(n); got != want {
			t.Errorf("round %d: %d, want %d", n, got, want)
		}
	}
}
