package natdiscovery

import (
	"context"
	"sync"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// leaveTimeout bounds the removal of all our mappings at the end. Whoever kills
	// us sooner leaves the rest to the journal.
	leaveTimeout = 8 * time.Second
	// watchPause is the pause before something is watched again after that failed.
	watchPause = time.Minute
)

// Run keeps Status true until ctx ends, removes every mapping from the gateway,
// waits for what it started and returns nil: no failure ends it sooner. It is
// called once.
func (d *Discovery) Run(ctx context.Context) error {
	c := d.core
	events := make(chan event)
	tell := func(e event) {
		select {
		case events <- e:
		case <-ctx.Done():
		}
	}
	var running sync.WaitGroup
	running.Go(func() {
		d.watch(ctx, "network", func() error { return d.cfg.WatchNetwork(ctx, func() { tell(networkChanged{}) }) })
	})
	news := func(r gateway.Reason) { tell(gatewayNews{r}) }
	gatewayWatch := follower[gateway.Client]{running: &running, run: func(ctx context.Context, client gateway.Client) {
		if w, ok := client.(gateway.Watcher); ok {
			d.watch(ctx, "gateway", func() error { return w.Watch(ctx, news) })
		}
	}}
	groupWatch := follower[place]{running: &running, run: func(ctx context.Context, at place) {
		d.watch(ctx, "announcements", func() error { return d.cfg.Announcements(ctx, at.Interface, at.Router, news) })
	}}

	timer := time.NewTimer(0)
	defer timer.Stop()
	var e event
	for {
		now := time.Now()
		actions, wake := c.step(now, e)
		d.publish(c.status())
		gatewayWatch.follow(ctx, c.gw.client)
		groupWatch.follow(ctx, c.listening())
		for _, a := range actions {
			running.Go(func() { tell(a.do(ctx, d.cfg)) })
		}
		timer.Reset(wake.Sub(now))
		select {
		case <-ctx.Done():
			running.Wait()
			d.leave(context.WithoutCancel(ctx), c)
			return nil
		case e = <-events:
		case r := <-d.reports:
			e = r
		case <-timer.C:
			e = nil
		}
	}
}

// watch runs a watch until ctx ends, again after a pause when it fails: without it
// changes are noticed by polling.
func (d *Discovery) watch(ctx context.Context, what string, run func() error) {
	for ctx.Err() == nil {
		err := run()
		if ctx.Err() != nil {
			return
		}
		d.cfg.Log.Debug("not watched", "what", what, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(watchPause):
		}
	}
}

// leave removes our mappings and pinholes from the gateway, as far as it answers in
// time, and leaves word of the others to the next start.
func (d *Discovery) leave(ctx context.Context, c *core) {
	within, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	mappings, pinholes := c.leave(), c.pinholes.open()
	left := d.remove(within, mappings)
	openStill := d.close(within, c.pinholes.by, pinholes)
	gw := c.gw.identity.Address
	switch {
	case len(left)+len(openStill) > 0:
		d.cfg.Log.Warn("mappings left on the gateway", "count", len(left), "ipv6_pinholes", len(openStill), "gateway", gw)
	case len(mappings)+len(pinholes) > 0:
		d.cfg.Log.Info("mappings removed from the gateway", "count", len(mappings), "ipv6_pinholes", len(pinholes), "gateway", gw)
	}
	if d.cfg.StateDir == "" {
		return
	}
	if err := store(d.cfg.StateDir).save(c.left(left, openStill)); err != nil {
		d.cfg.Log.Warn("journal not written", "error", err)
	}
}

// close closes pinholes and returns those that are left.
func (d *Discovery) close(ctx context.Context, by []gateway.Pinholer, list []gateway.Pinhole) (left []gateway.Pinhole) {
	for _, p := range list {
		if len(by) == 0 || ctx.Err() != nil {
			left = append(left, p)
		} else if err := by[0].ClosePinhole(ctx, p); err != nil {
			d.cfg.Log.Debug("close pinhole", "internal", p.Internal, "error", err)
			left = append(left, p)
		}
	}
	return left
}

// remove removes mappings and returns those that are left.
func (d *Discovery) remove(ctx context.Context, list []unmap) (left []unmap) {
	dead := false
	for _, a := range list {
		if dead && !a.beside {
			left = append(left, a)
		} else if err := a.client.Unmap(ctx, a.mapping); err != nil {
			d.cfg.Log.Debug("unmap", "external_port", a.mapping.External, "error", err)
			left = append(left, a)
			dead = dead || gone(err) && !a.beside
		}
	}
	return left
}
