package status

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"natftpd/driver"
)

func TestMetricsKeepPrometheussConventions(t *testing.T) {
	cfg := config(t)
	cfg.Status().Confirmed = time.Now()
	alice, _ := enter(t, cfg.Sessions, "198.51.100.23", "alice")
	enter(t, cfg.Sessions, "198.51.100.24", "")
	down := new(flow)
	down.sent.Store(4096)
	alice.Begin(driver.Activity{Command: "RETR", Since: time.Now(), Flow: down})
	body := get(newServer(t, cfg), "/metrics").Body.Bytes()
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, want := range []string{
		`natftpd_sessions{logged_in="true"} 1`,
		`natftpd_sessions{logged_in="false"} 1`,
		`natftpd_transfers_in_progress 1`,
		`natftpd_transferred_bytes_total{direction="sent"} 4096`,
		`natftpd_mappings{method="upnp",state="verified"} 11`,
		`natftpd_gateway_requests_total{result="unanswered"} 0`,
		`natftpd_external_address_changes_total 0`,
		`natftpd_external_address_confirmed_age_seconds `,
		`natftpd_reachable 1`,
		`natftpd_verdict_info{verdict="reachable"} 1`,
		`natftpd_build_info{`,
		`process_resident_memory_bytes `,
	} {
		if !strings.Contains(string(body), "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestDocumentsAndDashboardNameMetricsThatThereAre(t *testing.T) {
	cfg := config(t)
	cfg.Status().Confirmed = time.Now()
	there := get(newServer(t, cfg), "/metrics").Body.String()
	// Those of what clients do are there as soon as one has done it.
	for _, seldom := range []string{"natftpd_logins_total", "natftpd_transfers_total", "natftpd_data_connections_total"} {
		there += "# TYPE " + seldom + " "
	}
	told := map[string]bool{}
	for _, file := range []string{"../../docs/api.md", "../../packaging/grafana/natftpd.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`natftpd_[a-z_]+`).FindAllString(string(text), -1) {
			told[name] = true
			if !strings.Contains(there, "# TYPE "+name+" ") {
				t.Errorf("%s names %s, which is not there", file, name)
			}
		}
	}
	for _, m := range regexp.MustCompile(`# TYPE (natftpd_[a-z_]+) `).FindAllStringSubmatch(there, -1) {
		if !told[m[1]] {
			t.Errorf("docs/api.md does not tell of %s", m[1])
		}
	}
}
