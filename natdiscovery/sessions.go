package natdiscovery

import (
	"net/netip"
	"slices"
	"time"

	"natftpd/natdiscovery/gateway"
)

const (
	// reportsQueued is how many reports may wait; more are dropped.
	reportsQueued = 64
	// reportEvery is how often it is worth knowing that a connection came.
	reportEvery = time.Second
	// absentClients is how many clients must have failed to reach us, without
	// any that did not, until that is a hint. One may have a firewall of its own.
	absentClients = 3
)

// DataConnection is what became of a passive data connection: evidence of how the
// internet reaches us.
type DataConnection struct {
	// Client is who was awaited, Told the address and port that it was sent to.
	Client netip.Addr
	Told   netip.AddrPort
	// Outside says that the client is not one of our own network.
	Outside bool
	// Arrived: it came in time.
	Arrived bool
}

// Report takes in what became of a data connection. It never waits, and may be
// called by any goroutine and often.
func (d *Discovery) Report(r DataConnection) {
	if !r.Outside {
		return
	}
	if now := time.Now().UnixNano(); r.Arrived {
		last := d.reported.Load()
		if now-last < int64(reportEvery) && now >= last || !d.reported.CompareAndSwap(last, now) {
			return
		}
	}
	select {
	case d.reports <- r:
	default:
	}
}

// sessionsState is what data connections from outside have shown since the
// external address is what it is.
type sessionsState struct {
	arrived time.Time    // when the last one came; the zero Time: none did
	absent  []netip.Addr // clients since then whose connections did not come
}

func (r DataConnection) apply(c *core, now time.Time) {
	client := r.Client.Unmap()
	if r.Told.Addr() != c.ext.addr || !client.Is4() || !gateway.Public(client) || client == c.ext.addr {
		return // it proves nothing of the address that we advertise now
	}
	s := &c.sessions
	switch {
	case r.Arrived:
		*s = sessionsState{arrived: now}
	case len(s.absent) < absentClients && !slices.Contains(s.absent, client):
		s.absent = append(slices.Clip(s.absent), client)
	}
}

// reached says whether the internet is known to reach us.
func (s *sessionsState) reached() bool { return !s.arrived.IsZero() && len(s.absent) < absentClients }
