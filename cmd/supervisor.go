package cmd

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"natftpd/natdiscovery"
)

// supervisor is whoever started us and wants to know how we are: systemd, or another
// that speaks sd_notify(3). Without one nothing is told.
type supervisor struct{ log *slog.Logger }

// tell sends one state. Nobody who listens is no mistake.
func (s supervisor) tell(lines ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		s.log.Debug("the supervisor is not told", "error", err)
	}
}

func (s supervisor) ready()    { s.tell(daemon.SdNotifyReady) }
func (s supervisor) stopping() { s.tell(daemon.SdNotifyStopping) }

// reloading is followed by ready.
func (s supervisor) reloading() {
	s.tell(daemon.SdNotifyReloading, fmt.Sprintf("MONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// watch shows the verdict in systemctl status.
func (s supervisor) watch(ctx context.Context, discovery *natdiscovery.Discovery) {
	for {
		changed, st := discovery.Changed(), discovery.Status()
		line := string(st.Verdict)
		if st.Verdict != natdiscovery.VerdictLooking {
			line = outside(st)
		}
		s.tell("STATUS=" + strings.ReplaceAll(line, "\n", " "))
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// watchdog tells the supervisor, as often as it wants to hear it, that we are alive:
// whoever connects is answered. Otherwise it starts us anew.
func (s supervisor) watchdog(ctx context.Context, at func() netip.AddrPort) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil || within == 0 {
		return
	}
	tick := time.NewTicker(within / 3)
	defer tick.Stop()
	for {
		if err := answers(ctx, at(), within/3); err != nil {
			s.log.Error("the service does not answer; without an answer the supervisor starts it anew", "error", err)
		} else {
			s.tell(daemon.SdNotifyWatchdog)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// answers tells whether a control port of ours has anything to say: that there are
// too many sessions is as good as a greeting.
func answers(ctx context.Context, at netip.AddrPort, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(here(at.Addr()), at.Port()).String())
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}
