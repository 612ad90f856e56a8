package control

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"

	ftpserver "github.com/fclairamb/ftpserverlib"
)

// Front takes control connections and serves them. It is the library's
// listener and its main driver.
type Front struct {
	cfg      atomic.Pointer[Config] // for sessions to come
	verbs    map[string]*verb
	lib      *ftpserver.FtpServer
	arrivals chan *session
	ended    chan struct{}
	end      sync.Once

	sessions sync.WaitGroup

	refusals   *refusals
	handshakes *perAddress
	hashing    chan struct{} // has room for as many as may hash at once
}

// New returns a front that serves nothing yet.
func New(cfg Config) *Front {
	cfg = cfg.withDefaults()
	f := &Front{
		verbs: verbs(), arrivals: make(chan *session), ended: make(chan struct{}),
		refusals: newRefusals(cfg.Log), handshakes: newPerAddress(maxHandshakes),
		hashing: make(chan struct{}, max(1, runtime.NumCPU()/2)),
	}
	f.cfg.Store(&cfg)
	f.lib = ftpserver.NewFtpServer(&library{f})
	f.lib.Logger = slog.New(quiet{cfg.Log.Handler()})
	return f
}

// Change has the sessions that begin from now on served with cfg. Those that are
// there keep what they began with: their clients rely on it, not least on the TLS
// configuration, whose sessions they resume. It may be called at any time.
func (f *Front) Change(cfg Config) {
	cfg = cfg.withDefaults()
	f.cfg.Store(&cfg)
}

// Run lets the library serve what Serve brings, until Close.
func (f *Front) Run() error {
	return f.lib.ListenAndServe()
}

// Close ends Run and returns when every session has given back what it held.
// The caller has drained the sessions before: without the library none of them
// can transfer any more.
func (f *Front) Close() {
	f.end.Do(func() {
		f.sessions.Wait()
		_ = f.lib.Stop() // the listener is ours, and is closed below
		close(f.ended)
		f.refusals.close()
	})
}

// Accept brings the library its sessions.
func (f *Front) Accept() (net.Conn, error) {
	select {
	case s := <-f.arrivals:
		return s, nil
	case <-f.ended:
		// The very error that the library takes for a closed listener.
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
}

// quiet keeps the library's own log for the debug level: what a refused command
// or a broken transfer means to the operator is said here.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.Handler.Enabled(ctx, slog.LevelDebug)
}

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler   { return quiet{q.Handler.WithGroup(name)} }
