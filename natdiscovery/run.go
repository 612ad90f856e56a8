package natdiscovery

import (
	"context"
	"sync"
	"time"

	"natftpd/natdiscovery/gateway"
)

// watchPause is the pause before something is watched again after that failed.
const watchPause = time.Minute

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
		cfg := c.cfg
		for _, a := range actions {
			running.Go(func() { tell(a.do(ctx, cfg)) })
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
		case cfg := <-d.changes:
			e = reconfigured{cfg}
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
