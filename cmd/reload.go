package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"

	"natftpd/conf"
	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/server"
)

// reloader puts a changed configuration in force while the server runs. A
// goroutine of its own owns it.
type reloader struct {
	load     func() (*conf.Loaded, error)
	inForce  *conf.Loaded
	users    []driver.User // of inForce
	serving  server.Config // of inForce
	stateDir string

	accounts   *driver.Accounts
	sessions   *driver.Sessions
	bans       *driver.Bans
	service    *server.Server
	discovery  *natdiscovery.Discovery
	segments   *segments
	events     *events
	level      *slog.LevelVar
	supervisor supervisor
	log        *slog.Logger
	// public is called when others than this host may reach the service.
	public func()
	// hangups are the signals to reload.
	hangups <-chan os.Signal
}

// watch reloads at every SIGHUP, and when the file changes, until ctx ends.
func (r *reloader) watch(ctx context.Context) {
	changes := make(chan struct{})
	var watching sync.WaitGroup
	if file := r.inForce.Path; file != "" {
		watching.Go(func() {
			watchFile(ctx, file, r.log, func() {
				select {
				case changes <- struct{}{}:
				case <-ctx.Done():
				}
			})
		})
	}
	for {
		select {
		case <-r.hangups:
			r.reload()
		case <-changes:
			r.reload()
		case <-ctx.Done():
			watching.Wait()
			return
		}
	}
}

// reload takes the new configuration whole, or leaves the old one in force and
// says why. Keys that cannot change while the server runs are named.
func (r *reloader) reload() {
	r.supervisor.reloading()
	defer r.supervisor.ready()
	next, err := r.load()
	if err != nil {
		r.refuse(err)
		return
	}
	if err := r.replace(next); err != nil {
		r.refuse(err)
	}
}

// replace puts next in force: first what may be refused, and is then put back, and
// at last what can't.
func (r *reloader) replace(next *conf.Loaded) error {
	users := usersOf(next)
	switch {
	case next.NoUsers && r.inForce.NoUsers:
		users = r.users
	case next.NoUsers:
		return errors.New("there is no configuration with users any more; put it back")
	}
	files, err := filesOf(next.FTP, r.log)
	if err != nil {
		return err
	}
	channel, err := r.channel(next.TLS)
	if err != nil {
		return err
	}
	changes, err := r.accounts.Replace(users, files)
	if err != nil {
		return err
	}
	serving := serviceOf(r.serving, next.Config, channel)
	if err := r.service.Change(serving); err != nil {
		return errors.Join(err, r.putBack())
	}
	if err := r.events.change(next.Config, users); err != nil {
		return errors.Join(err, r.service.Change(r.serving), r.putBack())
	}
	was := r.inForce
	r.inForce, r.users, r.serving = next, users, serving
	ended := r.sessions.EndUsers(changes.Revoked...)
	r.settle(was)
	r.tell(was, ended)
	return nil
}

// putBack has the users of before log in again.
func (r *reloader) putBack() error {
	files, err := filesOf(r.inForce.FTP, r.log)
	if err == nil {
		_, err = r.accounts.Replace(r.users, files)
	}
	return err
}

// channel is the TLS configuration: the one in use, whose sessions clients resume,
// unless the keys say otherwise.
func (r *reloader) channel(c conf.TLS) (*tls.Config, error) {
	now := r.inForce.TLS
	if (c.Mode == conf.TLSOff) == (now.Mode == conf.TLSOff) && c.Certificate == now.Certificate && c.Key == now.Key {
		return r.serving.TLS, nil
	}
	return tlsOf(c, r.stateDir, r.log)
}

// settle puts in force what nothing speaks against.
func (r *reloader) settle(was *conf.Loaded) {
	now := r.inForce
	r.sessions.SetLimits(limitsOf(now.FTP))
	if err := r.bans.Change(banRulesOf(now.Bans)); err != nil {
		r.log.Error("bans not changed", "error", err)
	}
	r.level.Set(now.Log.Level)
	r.segments.change(now.NAT.MaxSegmentSize)
	r.discovery.Change(lookingOf(now.Config, r.service, r.stateDir, r.log))
	if !localOnly(r.service.Addr()) {
		r.public()
	}
	for _, w := range append(now.Warnings, r.accounts.Warnings()...) {
		r.log.Warn("configuration", "warning", w)
	}
}

// tell has a line for each key that changed.
func (r *reloader) tell(was *conf.Loaded, ended int) {
	told := conf.Changes(&was.Config, &r.inForce.Config)
	for _, c := range told {
		if r.waits(c.Key) {
			r.log.Warn("configuration changed, but this key waits for the next start", "key", c.Key, "old", c.Old, "new", c.New)
		} else {
			r.log.Info("configuration changed", "key", c.Key, "old", c.Old, "new", c.New)
		}
	}
	r.log.Info("configuration read again", "changes", len(told), "sessions_ended", ended)
}

func (r *reloader) refuse(err error) {
	for line := range strings.Lines(err.Error()) {
		r.log.Error("configuration not changed, the old one stays in force", "mistake", strings.TrimSpace(line))
	}
}

// waits tells whether a key can't change while the server runs: what is kept in the
// state folder is open, the status page has its own listener, a logger is in
// everybody's hands, and the sockets of a service manager are its own.
func (r *reloader) waits(key string) bool {
	switch key {
	case "ftp.listen":
		return r.serving.Control != nil
	case "ftp.listen_tls":
		return r.serving.ControlTLS != nil
	case "state_dir", "log.format", "status.listen", "status.password":
		return true
	}
	return false
}
