package cmd

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"natftpd/conf"
	"natftpd/driver"
)

// reloader puts a changed configuration in force while the server runs. A
// goroutine of its own owns it.
type reloader struct {
	load     func() (*conf.Loaded, error)
	inForce  *conf.Loaded
	users    []driver.User // of inForce
	accounts *driver.Accounts
	sessions *driver.Sessions
	log      *slog.Logger
}

// watch reloads at every SIGHUP until ctx ends.
func (r *reloader) watch(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-hangups:
			r.reload()
		case <-ctx.Done():
			return
		}
	}
}

// reload takes the new configuration whole, or leaves the old one in force and
// says why. Keys that cannot change while the server runs are named.
func (r *reloader) reload() {
	next, err := r.load()
	if err != nil {
		r.refuse(err)
		return
	}
	users := usersOf(next)
	switch {
	case next.NoUsers && r.inForce.NoUsers:
		users = r.users
	case next.NoUsers:
		r.refuse(errors.New("there is no configuration with users any more; put it back"))
		return
	}
	files, err := filesOf(next.FTP)
	if err != nil {
		r.refuse(err)
		return
	}
	changes, err := r.accounts.Replace(users, files)
	if err != nil {
		r.refuse(err)
		return
	}
	r.sessions.SetLimits(limitsOf(next.FTP))
	ended := r.sessions.EndUsers(changes.Revoked...)
	for _, w := range append(next.Warnings, r.accounts.Warnings()...) {
		r.log.Warn("configuration", "warning", w)
	}
	told := conf.Changes(&r.inForce.Config, &next.Config)
	for _, c := range told {
		if atOnce(c.Key) {
			r.log.Info("configuration changed", "key", c.Key, "old", c.Old, "new", c.New)
		} else {
			r.log.Warn("configuration changed, but this key waits for the next start", "key", c.Key, "old", c.Old, "new", c.New)
		}
	}
	r.log.Info("configuration read again", "changes", len(told), "sessions_ended", ended)
	r.inForce, r.users = next, users
}

func (r *reloader) refuse(err error) {
	for line := range strings.Lines(err.Error()) {
		r.log.Error("configuration not changed, the old one stays in force", "mistake", strings.TrimSpace(line))
	}
}

// atOnce tells whether a key changes while the server runs. The rest is part of
// what has been opened, agreed on or promised at the start.
func atOnce(key string) bool {
	switch key {
	case "ftp.max_sessions", "ftp.max_sessions_per_ip", "ftp.max_sessions_per_user", "ftp.new_sessions_per_ip",
		"ftp.upload", "ftp.upload_sync", "ftp.keep_partial", "ftp.umask", "ftp.owner":
		return true
	}
	return strings.HasPrefix(key, "users.")
}
