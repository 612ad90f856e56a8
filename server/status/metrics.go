package status

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"natftpd/natdiscovery"
)

// scrapesAtOnce is how many may collect at a time.
const scrapesAtOnce = 4

// newMetrics answers Prometheus. Names and units are those of its conventions.
func (s *Server) newMetrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&metrics{server: s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapesAtOnce,
	})
}

// metrics reads the plain counters of the other packages when it is asked: they
// know nothing of Prometheus.
type metrics struct{ server *Server }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("natftpd", "", name), help, labels, nil)
}

// Describe is prometheus.Collector's. It tells nothing: what is collected is
// checked when it is.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect is prometheus.Collector's.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	m.sessions(to)
	m.clients(to)
	m.network(to)
	gauge(to, 1, describe("build_info", "What is running; always 1.", "version", "goversion"), m.server.cfg.Version, runtime.Version())
}

func gauge(to chan<- prometheus.Metric, value float64, d *prometheus.Desc, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func counter[N int64 | uint64](to chan<- prometheus.Metric, value N, d *prometheus.Desc, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

func (m *metrics) sessions(to chan<- prometheus.Metric) {
	cfg := &m.server.cfg
	users, strangers, transfers := 0, 0, 0
	for _, s := range cfg.Sessions.All() {
		if s.User() == "" {
			strangers++
		} else {
			users++
		}
		if s.Activity() != nil {
			transfers++
		}
	}
	sessions := describe("sessions", "Sessions there are, by whether somebody is logged in.", "logged_in")
	gauge(to, float64(users), sessions, "true")
	gauge(to, float64(strangers), sessions, "false")
	gauge(to, float64(transfers), describe("transfers_in_progress", "Transfers that go on."))
	gauge(to, float64(len(cfg.Bans.All())), describe("bans", "Addresses that are kept out."))
	sent, received := cfg.Sessions.Moved()
	moved := describe("transferred_bytes_total", "Bytes that went over data connections.", "direction")
	counter(to, sent, moved, "sent")
	counter(to, received, moved, "received")
}

func (m *metrics) clients(to chan<- prometheus.Metric) {
	counters := m.server.cfg.Counters
	logins := describe("logins_total", "Logins, by what became of them.", "result")
	for result, n := range counters.Logins.All() {
		counter(to, n, logins, string(result))
	}
	transfers := describe("transfers_total", "Transfers that have ended, by what became of them.", "kind", "channel", "result")
	for r, n := range counters.Transfers.All() {
		counter(to, n, transfers, r.Kind, r.Channel, r.Result)
	}
	arrivals := describe("data_connections_total", "Passive data connections, by who the client is and whether it came.", "class", "result")
	for a, n := range counters.Arrivals.All() {
		counter(to, n, arrivals, a.Class, map[bool]string{true: "arrived", false: "missed"}[a.Arrived])
	}
}

func (m *metrics) network(to chan<- prometheus.Metric) {
	st := m.server.cfg.Status()
	requests := describe("gateway_requests_total", "Requests to the gateway, by what it answered.", "result")
	counter(to, st.Counts.Answered, requests, "answered")
	counter(to, st.Counts.Refused, requests, "refused")
	counter(to, st.Counts.Unanswered, requests, "unanswered")
	counter(to, st.Counts.AddressChanges, describe("external_address_changes_total", "How often the external address became another one."))
	if !st.Confirmed.IsZero() {
		gauge(to, time.Since(st.Confirmed).Seconds(), describe("external_address_confirmed_age_seconds", "Time since somebody last told the external address."))
	}
	words := wordsOf(st.Verdict)
	if m.server.cfg.LocalOnly() {
		words = localOnly
	}
	gauge(to, 1, describe("verdict_info", "Whether friends can reach us, in a word; always 1.", "verdict"), words.verdict)
	reachable := 0.0
	if words.dialled && st.External.IsValid() {
		reachable = 1
	}
	gauge(to, reachable, describe("reachable", "1: friends can dial the external address, as far as is known."))
	m.mappings(to, st)
}

func (m *metrics) mappings(to chan<- prometheus.Metric, st *natdiscovery.Status) {
	type kind struct{ method, state string }
	counts := make(map[kind]int)
	for _, p := range mappings(st) {
		counts[kind{p.Method, p.State}]++
	}
	d := describe("mappings", "Ports of ours on the gateway and in its IPv6 firewall, by how they were asked for and how far they are open.", "method", "state")
	for k, n := range counts {
		gauge(to, float64(n), d, k.method, k.state)
	}
}
