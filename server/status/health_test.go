package status

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"natftpd/natdiscovery"
)

func TestReadinessNamesWhatIsInTheWay(t *testing.T) {
	for _, c := range []struct {
		verdict         natdiscovery.Verdict
		local, draining bool
		want            int
		why             string
	}{
		{verdict: natdiscovery.Reachable, want: 200},
		{verdict: natdiscovery.ForwardedByHand, want: 200},
		{verdict: natdiscovery.VerdictLooking, want: 200},
		{verdict: "", want: 200},
		{verdict: natdiscovery.CarrierNAT, want: 503, why: "carrier NAT: ask the provider"},
		{verdict: natdiscovery.NoGateway, want: 503, why: "no gateway"},
		{verdict: natdiscovery.PortTakenByHost, want: 503, why: "port taken"},
		{verdict: natdiscovery.NoGateway, local: true, want: 200},
		{verdict: natdiscovery.Reachable, draining: true, want: 503, why: "shutting down"},
	} {
		cfg := config(t)
		st := &natdiscovery.Status{Verdict: c.verdict, Advice: "ask the provider"}
		cfg.Status, cfg.LocalOnly = func() *natdiscovery.Status { return st }, func() bool { return c.local }
		if c.draining {
			cfg.Sessions.Drain(context.Background())
		}
		s := newServer(t, cfg)
		w := get(s, "/readyz")
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.why) {
			t.Errorf("%+v: %d, %q", c, w.Code, w.Body)
		}
		if w := get(s, "/healthz"); w.Code != http.StatusOK {
			t.Errorf("%+v: /healthz is %d", c, w.Code)
		}
	}
}

func TestTheJSONHasItsPromisedNamesAndNoNulls(t *testing.T) {
	cfg := config(t)
	enter(t, cfg.Sessions, "198.51.100.23", "alice")
	w := get(newServer(t, cfg), "/api/status")
	var got map[string]json.RawMessage
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"api", "version", "external_address", "verdict", "advice", "sources", "gateway", "mappings", "passive", "sessions", "transfers", "events",
	} {
		if value, ok := got[name]; !ok || string(value) == "null" {
			t.Errorf("%s is %s", name, value)
		}
	}
	if string(got["api"]) != "1" {
		t.Errorf("api is %s, want 1", got["api"])
	}
	var again Snapshot
	if err := json.Unmarshal(w.Body.Bytes(), &again); err != nil || again.Sessions[0].User != "alice" || len(again.Mappings) != 11 {
		t.Errorf("read again: %v, %+v", err, again)
	}
}

func TestTheJSONLeavesEmptyWhatIsNotKnown(t *testing.T) {
	cfg := config(t)
	st := byHand()
	st.External, st.Source, st.Network, st.Confirmed = netip.Addr{}, "", natdiscovery.Network{}, time.Time{}
	cfg.Status = func() *natdiscovery.Status { return st }
	body := get(newServer(t, cfg), "/api/status").Body.String()
	for _, wrong := range []string{"invalid", "0001-01-01"} {
		if at := strings.Index(body, wrong); at >= 0 {
			t.Errorf("%s", body[max(0, at-100):at+20])
		}
	}
}
