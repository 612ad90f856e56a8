//go:build linux

package integration

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"natftpd/integration/lab"
)

func TestPromtoolAcceptsTheMetricsOfARunningServer(t *testing.T) {
	t.Parallel()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	promtool := filepath.Join(cache, "natftpd-test", "bin", "promtool") // where .ci/install puts it
	lab.RequireTools(t, map[string]string{promtool: "prometheus"})
	s := configureLocal(t, "active_mode: true")
	s.start(t)
	c := s.login(t)
	passive, err := c.pasv()
	if err != nil {
		t.Fatal(err)
	}
	// The rows of what clients do are there as soon as one has done it.
	data, err := s.Dial(passive)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if _, err := c.ask(150, "LIST"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.reply(226, "LIST"); err != nil {
		t.Fatal(err)
	}

	metrics := s.metrics(t)
	for _, name := range []string{"natftpd_logins_total{", "natftpd_transfers_total{", "natftpd_data_connections_total{"} {
		if !strings.Contains(metrics, "\n"+name) {
			t.Errorf("no %s in\n%s", name, metrics)
		}
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(metrics)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// metrics are what the running server tells on its Unix socket.
func (s *local) metrics(t *testing.T) string {
	t.Helper()
	client := http.Client{Timeout: answerWithin, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(s.dir, "state", "status.sock"))
		},
		DisableKeepAlives: true,
	}}
	resp, err := client.Get("http://localhost/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v\n%s", resp.Status, err, body)
	}
	return string(body)
}
