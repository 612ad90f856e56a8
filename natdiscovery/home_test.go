package natdiscovery

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/route"
	"natftpd/natdiscovery/stun"
)

// home is a Discovery that runs in a synctest bubble, with a router that takes its
// time.
type home struct {
	*Discovery
	moved chan struct{}        // tells the watch
	log   bytes.Buffer         // to be read after stop
	stop  func() time.Duration // ends Run and says how long that took

	mu        sync.Mutex
	router    *router
	reflexive netip.Addr
	place     route.Network
	delay     time.Duration // of each request to the router, which its context ends
}

// live starts a home with a router that answers after 100 ms.
func live(t *testing.T, change ...func(*home, *Config)) *home {
	h := &home{router: newRouter(time.Now), reflexive: wanA, delay: 100 * time.Millisecond, moved: make(chan struct{})}
	h.place = route.Network{Interface: "eth0", Local: lanA, Router: h.router.device.Address}
	cfg := testConfig()
	cfg.Log = slog.New(slog.NewTextHandler(&h.log, nil))
	cfg.Discover = func(ctx context.Context, n Network, _ gateway.Method) (gateway.Client, error) {
		if err := h.wait(ctx); err != nil {
			return nil, err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		c, err := h.router.discover(n.Local)
		return &slowClient{c, h}, err
	}
	cfg.AskSTUN = func(context.Context) (answers []stun.Answer) {
		time.Sleep(50 * time.Millisecond)
		h.change(func() { answers = agreeing(h.reflexive) })
		return answers
	}
	cfg.Announcements = func(ctx context.Context, _ string, _ netip.Addr, _ func(gateway.Reason)) error {
		<-ctx.Done()
		return nil
	}
	cfg.TryHairpin = func(context.Context, netip.AddrPort) error { return nil }
	cfg.Network = func() (n route.Network, err error) {
		h.change(func() { n = h.place })
		return n, nil
	}
	cfg.WatchNetwork = func(ctx context.Context, changed func()) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-h.moved:
				changed()
			}
		}
	}
	for _, c := range change {
		c(h, &cfg)
	}
	h.Discovery = New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	h.stop = func() time.Duration {
		began := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		return time.Since(began)
	}
	return h
}

// after lets time go by.
func (h *home) after(d time.Duration) *Status {
	time.Sleep(d)
	synctest.Wait()
	return h.Status()
}

// change changes the home; nothing reads it meanwhile.
func (h *home) change(what func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what()
}

func (h *home) wait(ctx context.Context) error {
	var delay time.Duration
	h.change(func() { delay = h.delay })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(delay):
		return nil
	}
}

// slowClient maps at once, and answers late or never.
type slowClient struct {
	gateway.Client
	h *home
}

func (c *slowClient) Forgot() (at time.Time) {
	c.h.change(func() { at = c.h.router.forgot })
	return at
}

func (c *slowClient) ExternalAddress(ctx context.Context) (addr netip.Addr, err error) {
	c.h.change(func() { addr, err = c.Client.ExternalAddress(ctx) })
	return addr, errors.Join(err, c.h.wait(ctx))
}

func (c *slowClient) Map(ctx context.Context, q gateway.Request) (m gateway.Mapping, err error) {
	c.h.change(func() { m, err = c.Client.Map(ctx, q) })
	return m, errors.Join(err, c.h.wait(ctx))
}

func (c *slowClient) Check(ctx context.Context, m gateway.Mapping) (err error) {
	c.h.change(func() { err = c.Client.Check(ctx, m) })
	return errors.Join(err, c.h.wait(ctx))
}

func (c *slowClient) Unmap(ctx context.Context, m gateway.Mapping) (err error) {
	c.h.change(func() { err = c.Client.Unmap(ctx, m) })
	return errors.Join(err, c.h.wait(ctx))
}

// lists is what the router lists for us.
func (h *home) lists() (ports string) {
	h.change(func() { ports = h.router.lists(lanA) })
	return ports
}
