package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"time"

	"natftpd/conf"
	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/server/control"
	"natftpd/server/hooks"
	"natftpd/server/xferlog"
)

// events hands on what happens: to the transfer log, and to the operator's hooks.
type events struct {
	hooks   *hooks.Hooks
	xferlog *xferlog.Log
	homes   atomic.Pointer[map[string]string] // absolute, by user
}

func newEvents(log *slog.Logger) *events {
	return &events{hooks: hooks.New(log), xferlog: xferlog.New(log)}
}

// change has events go where the configuration says. After an error all is as it
// was.
func (e *events) change(c conf.Config, users []driver.User) error {
	if err := e.xferlog.Open(c.Log.Xferlog); err != nil {
		return fmt.Errorf("%w; name a file that the server may write in log.xferlog, or none", err)
	}
	homes := make(map[string]string, len(users))
	for _, u := range users {
		home, err := filepath.Abs(u.Home)
		if err != nil {
			return err
		}
		homes[u.Name] = home
	}
	e.homes.Store(&homes)
	e.hooks.Change(hooksOf(c.Hooks))
	return nil
}

func hooksOf(list []conf.Hook) []hooks.Hook {
	var all []hooks.Hook
	for _, h := range list {
		all = append(all, hooks.Hook(h))
	}
	return all
}

// happened is told what clients do.
func (e *events) happened(event control.Event) {
	now := time.Now()
	switch event := event.(type) {
	case control.Transfer:
		e.xferlog.Add(xferlog.Entry{
			Ended: now, Took: event.Took, Client: event.Client, Bytes: event.Bytes, Path: event.Path,
			Upload: event.Upload, User: event.User, Complete: event.Complete, Anonymous: event.User == conf.Anonymous,
		})
		name := "download"
		if event.Upload {
			name = "upload"
		}
		if event.Complete && e.hooks.Wants(name) {
			e.hooks.Tell(e.transfer(name, event, now))
		}
	case control.Login:
		e.hooks.Tell(hooks.Event{Name: "login", Time: now, Facts: []hooks.Fact{
			{Name: "user", Value: event.User}, {Name: "client", Value: event.Client.String()}, {Name: "tls", Value: event.TLS}}})
	case control.Ban:
		e.hooks.Tell(hooks.Event{Name: "ban", Time: now, Facts: []hooks.Fact{
			{Name: "client", Value: event.Client.String()}, {Name: "user", Value: event.User}, {Name: "until", Value: event.Until.UTC().Format(time.RFC3339)}}})
	}
}

// transfer is the event of a file that was sent or received whole.
func (e *events) transfer(name string, t control.Transfer, now time.Time) hooks.Event {
	file := (*e.homes.Load())[t.User]
	if file != "" { // else the user is gone meanwhile
		file = filepath.Join(file, filepath.FromSlash(t.Path))
	}
	return hooks.Event{Name: name, Time: now, Facts: []hooks.Fact{
		{Name: "user", Value: t.User}, {Name: "client", Value: t.Client.String()}, {Name: "path", Value: t.Path}, {Name: "file", Value: file},
		{Name: "bytes", Value: t.Bytes}, {Name: "seconds", Value: t.Took.Seconds()}, {Name: "tls", Value: t.TLS}}}
}

// watch tells of the external address and of the verdict: of the first one that is
// known, for the last run may have left others behind, and of each change. That an
// address is not known any more is the verdict's to tell: a program that writes the
// address into the DNS is not told of none.
func (e *events) watch(ctx context.Context, discovery *natdiscovery.Discovery) {
	var external netip.Addr
	var verdict natdiscovery.Verdict
	for {
		changed, st := discovery.Changed(), discovery.Status()
		if st.External.IsValid() && st.External != external && st.Source != natdiscovery.SourceLastRun {
			e.hooks.Tell(hooks.Event{Name: "external_address", Time: time.Now(), Facts: []hooks.Fact{
				{Name: "address", Value: plain(st.External)}, {Name: "before", Value: plain(external)}, {Name: "source", Value: string(st.Source)}}})
			external = st.External
		}
		if st.Verdict != verdict && st.Verdict != natdiscovery.VerdictLooking && st.Verdict != "" {
			e.hooks.Tell(hooks.Event{Name: "verdict", Time: time.Now(), Facts: []hooks.Fact{
				{Name: "verdict", Value: string(st.Verdict)}, {Name: "before", Value: string(verdict)}, {Name: "advice", Value: st.Advice}, {Name: "address", Value: plain(st.External)}}})
			verdict = st.Verdict
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// plain is an address, or "" when there is none.
func plain(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
