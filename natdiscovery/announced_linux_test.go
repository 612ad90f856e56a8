package natdiscovery

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"natftpd/natdiscovery/nattest"
)

// insideNamespace marks the run of this test that has a network of its own.
const insideNamespace = "NATFTPD_NATDISCOVERY_TEST_INSIDE"

// announcedWithin is when what a gateway announces must be known.
const announcedWithin = 5 * time.Second

// All hosts of the LAN are told, at a port that others may listen to as well: so the
// test runs itself once more, in a network that ends with it.
func TestWhatTheGatewayAnnouncesIsActedOn(t *testing.T) {
	if os.Getenv(insideNamespace) != "" {
		hearAnnouncements(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes a network namespace")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), insideNamespace+"=1")
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") != "true" {
		t.Skip("needs a network namespace:", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func hearAnnouncements(t *testing.T) {
	for _, args := range [][]string{{"link", "set", "lo", "up", "multicast", "on"}, {"route", "add", "multicast", "224.0.0.0/4", "dev", "lo"}} {
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v\n%s", args, err, out)
		}
	}
	r := nattest.Start(t)
	m := nattest.StartMapper(t, r)
	cfg := mapperHome(t, r, m)
	cfg.Announcements, cfg.CheckInterval = nil, time.Hour // nothing but announcements tells
	d, ctx, stop := runs(t, cfg)
	waitFor(ctx, t, d, func(s *Status) bool { return s.Verdict == Reachable && len(s.Outside) == 3 })

	r.SetExternal(wanC)
	announceUntil(ctx, t, d, m, false, func() bool { return d.Status().External == wanC })
	m.Forget()
	announceUntil(ctx, t, d, m, true, func() bool { return r.Len() == 4 })
	stop()
}

// announceUntil announces as gateways do, again and again (RFC 6886, section 3.2.1;
// RFC 6887, section 14.1.2), until that was acted on.
func announceUntil(ctx context.Context, t *testing.T, d *Discovery, m *nattest.Mapper, pcp bool, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, announcedWithin)
	defer cancel()
	for again := 250 * time.Millisecond; ; again *= 2 {
		m.Announce(t, netip.MustParseAddrPort("224.0.0.1:5350"), pcp)
		for next := time.After(again); next != nil; {
			changed := d.Changed()
			if done() {
				return
			}
			select {
			case <-changed:
			case <-next:
				next = nil
			case <-ctx.Done():
				t.Fatalf("not acted on in %v: %+v", announcedWithin, *d.Status())
			}
		}
	}
}
