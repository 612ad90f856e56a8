package status

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestTheTimelineKeepsWhatTheLogSaysAndNoNoise(t *testing.T) {
	var out bytes.Buffer
	timeline := NewTimeline()
	log := slog.New(timeline.Behind(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
	log.Debug("map", "port", 1)
	log.Info("external address changed", "old", "203.0.113.1", "external", "203.0.113.2", "model", "")
	log.With("session", 3, "client", "198.51.100.1").Warn("transfer failed", slog.Group("data", "port", 50003))
	log.Info("transfer complete", "user", "alice")
	log.Info("login", "user", "alice")

	events := timeline.Events()
	if len(events) != 2 {
		t.Fatalf("got %+v, want two events", events)
	}
	if e := events[0]; e.Message != "transfer failed" || e.Level != "warning" || factual(e) != "session 3 · client 198.51.100.1 · data.port 50003" {
		t.Errorf("the latest is %+v", e)
	}
	if e := events[1]; e.Message != "external address changed" || factual(e) != "old 203.0.113.1 · external 203.0.113.2" {
		t.Errorf("the first is %+v", e)
	}
	if got := out.String(); strings.Contains(got, "external address") || !strings.Contains(got, "data.port=50003") {
		t.Errorf("the log, of level warning, has %s", got)
	}
}

func TestStrangersPushOutNobodyButThemselves(t *testing.T) {
	timeline := NewTimeline()
	log := slog.New(timeline.Behind(slog.DiscardHandler))
	log.Info("gateway found", "gateway", "192.168.1.1")
	for i := range 5000 {
		log.Warn("login refused", "client", fmt.Sprintf("198.51.%d.%d", i/250, i%250), "user", i)
	}
	for range 30 {
		log.Warn("login refused", "client", "203.0.113.66", "user", "root")
		log.Warn("login refused", "client", "203.0.113.67", "user", "root")
	}
	events := timeline.Events()
	if len(events) != timelineSize/2+1 {
		t.Errorf("%d events are kept, want %d", len(events), timelineSize/2+1)
	}
	if e := events[len(events)-1]; e.Message != "gateway found" {
		t.Errorf("the oldest is %+v, want the gateway", e)
	}
	if e := events[0]; e.client() != "203.0.113.67" || e.Times != 30 {
		t.Errorf("the latest is %+v, want one client 30 times", e)
	}
}
