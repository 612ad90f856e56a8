package cmd

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"os/signal"
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

	loaded, err := p.load()
	if err != nil {
		return err
	}
	timeline, counters := status.NewTimeline(), new(control.Counters)
	log := slog.New(timeline.Behind(p.logger(loaded.Log).Handler()))
	for _, w := range loaded.Warnings {
		log.Warn("configuration", "warning", w)
	}
	stateDir, _, err := loaded.StateFolder()
	if err != nil {
		return invalidError{err}
	}
	greeting := &greeting{out: p.out}
	users, err := accountsOf(loaded, stateDir, greeting, log)
	if err != nil {
		return err
	}
	files, err := filesOf(loaded.FTP)
	if err != nil {
		return err
	}
	accounts, err := driver.NewAccounts(users, files)
	if err != nil {
		return err
	}
	for _, w := range accounts.Warnings() {
		log.Warn("home", "warning", w)
	}
	bans, err := bansOf(loaded.Bans, stateDir, log)
	if err != nil {
		return err
	}
	sessions := driver.NewSessions(limitsOf(loaded.FTP))
	tlsConfig, err := tlsOf(loaded.TLS, stateDir, log)
	if err != nil {
		return err
	}

	var discovery *natdiscovery.Discovery
	service := server.New(server.Config{
		Log:          log,
		Listen:       loaded.FTP.Listen,
		ListenTLS:    loaded.FTP.ListenTLS,
		PassiveFirst: loaded.FTP.PassivePorts.First,
		PassiveLast:  loaded.FTP.PassivePorts.Last,
		ActiveMode:   loaded.FTP.ActiveMode,
		IdleTimeout:  loaded.FTP.IdleTimeout,
		DataTimeout:  loaded.FTP.DataTimeout,
		Overrides:    overridesOf(loaded.NAT),
		TLS:          tlsConfig,
		TLSRequired:  loaded.TLS.Mode == conf.TLSRequired,
		Accounts:     accounts,
		Sessions:     sessions,
		Bans:         bans,
		Status:       func() *natdiscovery.Status { return discovery.Status() },
		Awaited:      func(o control.Outcome) { discovery.Report(natdiscovery.DataConnection(o)) },
		Counters:     counters,
		DrainTimeout: drainTimeout,
	})
	if err := service.Listen(); err != nil {
		return err
	}
	looking := discoveryOf(loaded.Config, service.Addr(), service.AddrTLS(), log)
	looking.StateDir = stateDir
	discovery = natdiscovery.New(looking)
	page, err := p.pageOf(loaded.Status, status.Config{
		Log: log, Timeline: timeline, Counters: counters, Sessions: sessions, Bans: bans,
		Status: discovery.Status, Changed: discovery.Changed, Awaited: service.Awaited, LocalOnly: localOnly(service.Addr()),
	}, stateDir)
	if err != nil {
		return err
	}
	greeting.page = page.url()
	greeting.started(loaded, service.Addr(), service.AddrTLS(), users)

	segments := &segments{setting: loaded.NAT.MaxSegmentSize, limit: service.LimitSegments, log: log}
	segments.set(int(loaded.NAT.MaxSegmentSize.Bytes))
	reloader := &reloader{load: p.load, inForce: loaded, users: users, accounts: accounts, sessions: sessions, log: log}
	beside := []func(context.Context){reloader.watch, accounts.Tend, page.run, func(ctx context.Context) { bans.Run(ctx) }}
	if !localOnly(service.Addr()) {
		// Whom nobody outside can reach leaves the router alone.
		beside = append(beside,
			func(ctx context.Context) { discover(ctx, discovery, log) },
			func(ctx context.Context) { greeting.watch(ctx, discovery) },
			func(ctx context.Context) { segments.watch(ctx, discovery) })
	}
	return run(ctx, service, beside, log)
}

// run serves until ctx ends, by a signal: then the sessions are drained first, and what runs
// beside the service, the ports on the router included, is ended when nobody
// needs it any more. A second signal ends the program at once.
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
