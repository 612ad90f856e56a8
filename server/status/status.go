// Package status shows what the running server knows: a page for people, its
// JSON for programs, metrics for Prometheus, and the health checks.
//
// Everything is made from one Snapshot, which is taken when somebody asks. While
// nobody looks and nothing moves the package does nothing: no timer runs. Pages
// that stay open are fed by one goroutine, which makes each fragment once for all
// of them (watch.go).
//
// Who may look is decided in guard.go: the page shows who is connected and ends
// sessions, so that beyond loopback it wants a password, and no other site can
// make a browser use it. The package reads the sessions, the bans and the Status;
// it knows nothing of the FTP protocol, of the router or of the configuration.
package status

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/server/control"
)

// Config says what is shown, where and to whom.
type Config struct {
	Log *slog.Logger
	// Version is the program's.
	Version string
	// Sessions and Bans are shown, and ended from the page. nil Bans: there are
	// none.
	Sessions *driver.Sessions
	Bans     *driver.Bans
	// Counters are those of the front.
	Counters *control.Counters
	// Status is what the internet sees of us; Changed is closed when that becomes
	// something else. Both return at once.
	Status  func() *natdiscovery.Status
	Changed func() <-chan struct{}
	// Awaited are the passive ports on which connections are awaited.
	Awaited func() map[uint16]int
	// LocalOnly says whether nobody but this host is served, so that the router is
	// not asked anything. nil: others are.
	LocalOnly func() bool
	// Timeline is what happened.
	Timeline *Timeline
	// Doctor looks at the network as it is and returns its report. It takes some
	// seconds.
	Doctor func(ctx context.Context) (string, error)

	// Lock is opened by the password. nil: none is asked for, which is for
	// loopback only.
	Lock *driver.Lock
	// Hosts are this host's own names, by which a browser may ask beside addresses
	// and localhost.
	Hosts []string
}

// Time-outs of the HTTP server: whoever is slower is no friend of ours. Answers
// that take their time set their own.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 15 * time.Second
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10
	maxBody       = 4 << 10
	closeTimeout  = time.Second
)

// Server answers whoever asks. New starts nothing.
type Server struct {
	cfg     Config
	started time.Time
	meter   *meter
	watch   *watch
	page    *template.Template
	tries   *tries
	token   string // of the forms: who does not see the page can't know it
	known   known
	doctor  chan struct{} // holds a token while it runs
	metrics http.Handler
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.LocalOnly == nil {
		cfg.LocalOnly = func() bool { return false }
	}
	page, err := parsePage()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, started: time.Now(), page: page,
		meter: newMeter(cfg.Sessions), tries: newTries(),
		token: rand.Text(), known: newKnown(), doctor: make(chan struct{}, 1),
	}
	s.watch = newWatch(s)
	s.metrics = s.newMetrics()
	return s, nil
}

// Run answers on the listeners until ctx ends. Who comes by a Unix socket has
// proved by its mode that it is the operator.
func (s *Server) Run(ctx context.Context, listeners ...net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { s.meter.run(ctx); return nil })
	group.Go(func() error { s.watch.run(ctx); return nil })
	for _, l := range listeners {
		handler := s.guarded()
		if l.Addr().Network() == "unix" {
			handler = s.routes()
		}
		server := &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: maxHeader,
			BaseContext:    func(net.Listener) context.Context { return ctx },
			ErrorLog:       slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		}
		group.Go(func() error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve the status page on %s: %w", l.Addr(), err)
			}
			return nil
		})
		group.Go(func() error { return stop(ctx, server) })
	}
	return group.Wait()
}

// stop lets answers end that are under way, for a moment.
func stop(ctx context.Context, server *http.Server) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		server.Close()
	}
	return nil
}

// routes are the pages, without any guard.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showPage)
	mux.HandleFunc("GET /style.css", asset("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /live.js", asset("live.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /icon.svg", asset("icon.svg", "image/svg+xml"))
	mux.HandleFunc("GET /live", s.watch.serve)
	mux.HandleFunc("GET /api/status", s.showJSON)
	mux.Handle("GET /metrics", s.metrics)
	mux.HandleFunc("GET /healthz", s.showHealth)
	mux.HandleFunc("GET /readyz", s.showReadiness)
	mux.HandleFunc("POST /sessions/end", s.form(s.endSession))
	mux.HandleFunc("POST /bans/lift", s.form(s.liftBan))
	mux.HandleFunc("POST /doctor", s.form(s.runDoctor))
	return mux
}

// clientOf is the address of who asks; the zero Addr by a Unix socket.
func clientOf(r *http.Request) netip.Addr {
	a, _ := netip.ParseAddrPort(r.RemoteAddr)
	return a.Addr().Unmap().WithZone("")
}
