package natdiscovery

import (
	"context"
	"sync"
	"time"
)

const (
	// leaveTimeout bounds the removal of all our mappings at the end.
	leaveTimeout = 5 * time.Second
	// watchPause is the pause before the network is watched again after that
	// failed.
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
	running.Go(func() { d.watch(ctx, func() { tell(networkChanged{}) }) })

	timer := time.NewTimer(0)
	defer timer.Stop()
	var e event
	for {
		now := time.Now()
		actions, wake := c.step(now, e)
		d.publish(c.status())
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
		case <-timer.C:
			e = nil
		}
	}
}

// watch tells of changes of the network until ctx ends. Without it they are
// noticed by the core's own reading, a minute later.
func (d *Discovery) watch(ctx context.Context, changed func()) {
	for ctx.Err() == nil {
		err := d.cfg.WatchNetwork(ctx, changed)
		if ctx.Err() != nil {
			return
		}
		d.cfg.Log.Debug("network not watched", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(watchPause):
		}
	}
}

// leave removes our mappings from the gateway, as far as it answers in time, and
// leaves word of the others to the next start.
func (d *Discovery) leave(ctx context.Context, c *core) {
	mappings := c.leave()
	left := d.remove(ctx, mappings)
	gw := c.gw.identity.Address
	switch {
	case len(left) > 0:
		d.cfg.Log.Warn("mappings left on the gateway", "count", len(left), "gateway", gw)
	case len(mappings) > 0:
		d.cfg.Log.Info("mappings removed from the gateway", "count", len(mappings), "gateway", gw)
	}
	if d.cfg.StateDir == "" {
		return
	}
	if err := store(d.cfg.StateDir).save(c.left(left)); err != nil {
		d.cfg.Log.Warn("journal not written", "error", err)
	}
}

// remove removes mappings and returns those that are left.
func (d *Discovery) remove(ctx context.Context, list []unmap) (left []unmap) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
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
