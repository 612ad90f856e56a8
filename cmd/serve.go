package cmd

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"natftpd/conf"
	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/server"
	"natftpd/server/control"
	"natftpd/server/status"
)

// drainTimeout leaves half of the ten seconds that Docker waits before it kills
// to closing the ports on the router. That is mostly done in one; what a slow
// router keeps, the next start removes.
const drainTimeout = 5 * time.Second

// serve is the wiring: it makes the parts from the configuration and runs them
// until SIGINT or SIGTERM.
func (p *program) serve(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from here on a signal does what it does by default
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // one that comes too early is for later
	defer signal.Stop(hangups)

	loaded, err := p.load()
	if err != nil {
		return err
	}
	timeline, counters := status.NewTimeline(), new(control.Counters)
	written, level, flush := p.logger(loaded.Log)
	defer flush()
	log := slog.New(timeline.Behind(written.Handler()))
	for _, w := range loaded.Warnings {
		log.Warn("configuration", "warning", w)
	}
	stateDir, _, err := loaded.StateFolder()
	if err != nil {
		return invalidError{err}
	}
	if err := p.dropPrivileges(stateDir, homesOf(loaded)); err != nil {
		return err
	}
	greeting := &greeting{out: p.out}
	users, accounts, err := peopleOf(loaded, stateDir, greeting, log)
	if err != nil {
		return err
	}
	bans, err := bansOf(loaded.Bans, stateDir, log)
	if err != nil {
		return err
	}
	channel, err := tlsOf(loaded.TLS, stateDir, log)
	if err != nil {
		return err
	}
	events := newEvents(log)
	if err := events.change(loaded.Config, users); err != nil {
		return err
	}
	defer events.xferlog.Close()
	sessions := driver.NewSessions(limitsOf(loaded.FTP))

	var discovery *natdiscovery.Discovery
	serving := serviceOf(server.Config{
		Log:          log,
		Accounts:     accounts,
		Sessions:     sessions,
		Bans:         bans,
		Status:       func() *natdiscovery.Status { return discovery.Status() },
		Awaited:      func(o control.Outcome) { discovery.Report(natdiscovery.DataConnection(o)) },
		Happened:     events.happened,
		Counters:     counters,
		DrainTimeout: drainTimeout,
	}, loaded.Config, channel)
	if serving.Control, serving.ControlTLS, err = inherited(); err != nil {
		return err
	}
	service := server.New(serving)
	if err := service.Listen(); err != nil {
		return err
	}
	discovery = natdiscovery.New(lookingOf(loaded.Config, service, stateDir, log))
	page, err := p.pageOf(loaded.Status, status.Config{
		Log: log, Timeline: timeline, Counters: counters, Sessions: sessions, Bans: bans,
		Status: discovery.Status, Changed: discovery.Changed, Awaited: service.Awaited, LocalOnly: func() bool { return localOnly(service.Addr()) },
	}, stateDir)
	if err != nil {
		return err
	}
	greeting.page = page.url()
	greeting.started(loaded, service.Addr(), service.AddrTLS(), users)

	supervisor := supervisor{log}
	segments := newSegments(loaded.NAT.MaxSegmentSize, service.LimitSegments, log)
	gate := newGate()
	reloader := &reloader{
		load: p.load, inForce: loaded, users: users, serving: serving, stateDir: stateDir,
		accounts: accounts, sessions: sessions, bans: bans, service: service, discovery: discovery,
		segments: segments, events: events, level: level, supervisor: supervisor, log: log, public: gate.open, hangups: hangups,
	}
	beside := []func(context.Context){
		reloader.watch, accounts.Tend, page.run, events.hooks.Run,
		func(ctx context.Context) { bans.Run(ctx) },
		func(ctx context.Context) { segments.watch(ctx, discovery) },
		func(ctx context.Context) { supervisor.watchdog(ctx, service.Addr) },
		// Whom nobody outside can reach leaves the router alone.
		gate.behind(func(ctx context.Context) { discover(ctx, discovery, log) }),
		gate.behind(func(ctx context.Context) { greeting.watch(ctx, discovery) }),
		gate.behind(func(ctx context.Context) { events.watch(ctx, discovery) }),
		gate.behind(func(ctx context.Context) { supervisor.watch(ctx, discovery) }),
	}
	if !localOnly(service.Addr()) {
		gate.open()
	}
	context.AfterFunc(ctx, supervisor.stopping)
	supervisor.ready()
	return run(ctx, service, beside, log)
}

// peopleOf are the users of the configuration, as they were written down and as
// those who may log in.
func peopleOf(loaded *conf.Loaded, stateDir string, greeting *greeting, log *slog.Logger) ([]driver.User, *driver.Accounts, error) {
	users, err := accountsOf(loaded, stateDir, greeting, log)
	if err != nil {
		return nil, nil, err
	}
	files, err := filesOf(loaded.FTP, log)
	if err != nil {
		return nil, nil, err
	}
	accounts, err := driver.NewAccounts(users, files)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range accounts.Warnings() {
		log.Warn("home", "warning", w)
	}
	return users, accounts, nil
}

// lookingOf says what is to be reached from outside: nothing of a service that only
// this host can reach.
func lookingOf(c conf.Config, service *server.Server, stateDir string, log *slog.Logger) natdiscovery.Config {
	looking := discoveryOf(c, service.Addr(), service.AddrTLS(), log)
	looking.StateDir = stateDir
	if localOnly(service.Addr()) {
		looking.Methods, looking.STUNServers = nil, nil
	}
	return looking
}

// gate holds up what is only to begin once the service is open to others.
type gate struct {
	opened chan struct{}
	once   sync.Once
}

func newGate() *gate { return &gate{opened: make(chan struct{})} }

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

func (g *gate) behind(run func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		select {
		case <-g.opened:
			run(ctx)
		case <-ctx.Done():
		}
	}
}

// run serves until ctx ends, by a signal: then the sessions are drained first, and
// what runs beside the service, the ports on the router included, is ended when
// nobody needs it any more. A second signal ends the program at once.
func run(ctx context.Context, service *server.Server, beside []func(context.Context), log *slog.Logger) error {
	var group errgroup.Group
	besides, served := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error {
		defer served()
		err := service.Run(ctx)
		log.Info("FTP service ended")
		return err
	})
	for _, f := range beside {
		group.Go(func() error {
			f(besides)
			return nil
		})
	}
	return group.Wait()
}

// discover keeps the external address and the ports on the router right.
// Whatever is wrong with the network, the LAN is served.
func discover(ctx context.Context, discovery *natdiscovery.Discovery, log *slog.Logger) {
	if err := discovery.Run(ctx); err != nil {
		log.Error("the external address and the router are not watched any more; restart natftpd", "error", err)
	}
}

// tlsOf is the one TLS configuration, nil when TLS is off.
func tlsOf(c conf.TLS, stateDir string, log *slog.Logger) (*tls.Config, error) {
	if c.Mode == conf.TLSOff {
		return nil, nil
	}
	if err := checkCertificate(c); err != nil {
		return nil, err
	}
	cfg, warning, err := server.TLS(c.Certificate, c.Key, stateDir, log)
	if warning != "" {
		log.Warn("TLS", "warning", warning)
	}
	return cfg, err
}

// localOnly tells whether nobody but this host can reach addr: then the router
// is left alone.
func localOnly(addr netip.AddrPort) bool { return addr.Addr().Unmap().IsLoopback() }
