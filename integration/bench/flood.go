//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// floodRate is how many connections a second somebody opens to guess
	// passwords, from one address; floodTime how long.
	floodRate = 2000
	floodTime = 8 * time.Second
	// floodStep is how often connections are opened, floodHeld how many wait for
	// an answer at the most: as many as an attacker has descriptors.
	floodStep = 10 * time.Millisecond
	floodHeld = 8000
)

// natftpdAsShipped has nothing set but what it needs, and a password hashed as
// natftpd does it: its defaults are its defence. Only loopback is no neighbour, so
// that our addresses are as those of the internet.
func natftpdAsShipped(ctx context.Context, g ground) (launch, error) {
	hash := exec.CommandContext(ctx, g.natftpd, "hash-password")
	hash.Stdin = strings.NewReader(password + "\n")
	out, err := hash.Output()
	if err != nil {
		return launch{}, fmt.Errorf("natftpd hash-password: %w", err)
	}
	file, err := g.file("natftpd.yaml", fmt.Sprintf(`ftp: {listen: "%s", passive_ports: %d-%d}
bans: {exempt: []}
nat: {port_mapping: off, stun_servers: []}
users: [{name: %s, password: %q, home: %q}]
status: {listen: "%s"}
state_dir: %q
`, g.control, g.passive, g.last, user, strings.TrimSpace(string(out)), g.home, g.status, filepath.Join(g.dir, "state")))
	return natftpdLaunch(g, file), err
}

// floodLimits: somebody guesses passwords with all his might while somebody else
// logs in.
func floodLimits(ctx context.Context, _ *place, s *server) ([]limit, error) {
	peak, err := watchMemory(s)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithTimeout(ctx, floodTime)
	defer end()
	var all sync.WaitGroup
	var opened atomic.Int64
	began := time.Now()
	all.Go(func() { flood(ctx, s, &opened) })
	var times []time.Duration
	for ctx.Err() == nil {
		tried := time.Now()
		one, err := logIn(context.WithoutCancel(ctx), s, netip.AddrFrom4([4]byte{127, 3, 0, 1}), false)
		if err != nil {
			end()
			all.Wait()
			return nil, fmt.Errorf("the honest user: %w", err)
		}
		times = append(times, time.Since(tried))
		if err := one.quit(); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(honestPause):
		}
	}
	rate := float64(opened.Load()) / time.Since(began).Seconds()
	all.Wait()
	above, err := peak.above()
	if err != nil {
		return nil, err
	}
	return []limit{
		{Text: "password guesser: connections from one address", Unit: "/s", Got: rate, Bound: floodRate * 0.95, Least: true},
		{Text: fmt.Sprintf("meanwhile a login from another, 99 in 100 of %d within", len(times)), Unit: "ms", Got: milliseconds(percentile(times, 99)), Bound: 200},
		{Text: "meanwhile: memory above idle", Unit: "MiB", Got: above, Bound: 64},
	}, nil
}

// honestPause is between two logins of the honest user, who keeps below the
// number of sessions that one address may begin in a second.
const honestPause = 100 * time.Millisecond

// flood opens connections at a steady rate and guesses a password on each.
func flood(ctx context.Context, s *server, opened *atomic.Int64) {
	var all sync.WaitGroup
	defer all.Wait()
	held := make(chan struct{}, floodHeld)
	step := time.NewTicker(floodStep)
	defer step.Stop()
	began := time.Now()
	for started := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-step.C:
		}
		// A tick that came late is made up for.
		for due := int(time.Since(began).Seconds() * floodRate); started < due; started++ {
			select {
			case held <- struct{}{}:
			default:
				continue
			}
			all.Go(func() {
				defer func() { <-held }()
				guess(ctx, s, opened)
			})
		}
	}
}

// guess tries one password. Whatever the server does with it is fine.
func guess(ctx context.Context, s *server, opened *atomic.Int64) {
	c, err := connect(ctx, s.at, netip.AddrFrom4([4]byte{127, 2, 0, 1}))
	opened.Add(1)
	if err != nil {
		return
	}
	defer c.close()
	defer context.AfterFunc(ctx, c.close)()
	if _, err := c.do(331, "USER "+user); err != nil {
		return
	}
	_, _ = c.do(230, "PASS wrong")
}
