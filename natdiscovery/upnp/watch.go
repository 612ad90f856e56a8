package upnp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// quiet is the least time between two reports of a reason.
	quiet = time.Second
	// A neighbour that floods us gets so many datagrams, or connections, a
	// second read, after a burst: a device announces itself by some 30
	// datagrams at once.
	perSecond, burst = 50, 200
)

// home is where a client's gateway was found, and by what it is known. Watch reads
// it beside the other methods; nothing changes it.
type home struct {
	reply  reply
	local  netip.Addr
	names  []string // of the gateway's devices
	events *url.URL // of the connection service; nil: it has none
}

// Watch implements gateway.Watcher by SSDP announcements (UDA 1.2) and events
// (UDA 4).
func (c *Client) Watch(ctx context.Context, tell func(gateway.Reason)) error {
	var running sync.WaitGroup
	defer running.Wait()
	heard := make(chan gateway.Reason)
	report := func(r gateway.Reason) {
		select {
		case heard <- r:
		case <-ctx.Done():
		}
	}
	announcements, err := c.cfg.Announcements(c.home.local)
	if err == nil {
		running.Go(func() { <-ctx.Done(); _ = announcements.Close() })
		running.Go(func() { newHearing(c.home).listen(ctx, announcements, report) })
	}
	callback, eventErr := c.listenForEvents(ctx)
	if eventErr == nil {
		running.Go(func() { <-ctx.Done(); _ = callback.listener.Close() })
		running.Go(func() { callback.serve(ctx, report) })
		running.Go(func() { callback.subscription.keep(ctx, report) })
	}
	if err != nil && eventErr != nil {
		return fmt.Errorf("listen to the gateway at %s: %w", c.device.Address, errors.Join(err, eventErr))
	}
	relay(ctx, heard, tell)
	return nil
}

// relay tells each reason at once, unless something was told a moment ago: then
// the reasons are gathered, so a flood of them costs no more than a few.
func relay(ctx context.Context, heard <-chan gateway.Reason, tell func(gateway.Reason)) {
	var pending []gateway.Reason
	var last time.Time
	for {
		var due <-chan time.Time
		if len(pending) > 0 {
			due = time.After(time.Until(last.Add(quiet)))
		}
		select {
		case <-ctx.Done():
			return
		case r := <-heard:
			if !slices.Contains(pending, r) {
				pending = append(pending, r)
			}
		case <-due:
			for _, r := range pending {
				tell(r)
			}
			pending, last = nil, time.Now()
		}
	}
}

// listenForEvents opens what the gateway's events are sent to.
func (c *Client) listenForEvents(ctx context.Context) (*callback, error) {
	if c.home.events == nil {
		return nil, errors.New("it describes no events")
	}
	at := net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.home.local, 0))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", at.String())
	if err != nil {
		return nil, fmt.Errorf("open a port for events: %w", err)
	}
	return &callback{
		gateway: c.home.reply.from, listener: listener, seen: map[string]string{},
		subscription: &subscription{web: c.web, at: c.home.events, callback: "http://" + listener.Addr().String() + "/"},
	}, nil
}
