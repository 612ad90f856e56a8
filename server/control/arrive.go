package control

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"natftpd/driver"
	"natftpd/server/data"
)

const (
	// acceptPause lets other sessions free what accepting lacked.
	acceptPause = 100 * time.Millisecond
	// controlDead is how long sent replies may stay unacknowledged before the
	// connection counts as dead, as it is after our external address changed.
	controlDead = 60 * time.Second
)

// Listener makes listeners for Serve and ServeTLS.
func Listener() *net.ListenConfig { return data.Listener(controlDead) }

// Adopt gives a listener that somebody else has opened what those of Listener have.
func Adopt(l *net.TCPListener) { data.Retune(l, controlDead) }

// Serve takes control connections from l until it is closed. They begin in
// clear, and clients make TLS of them with AUTH (RFC 4217).
func (f *Front) Serve(l *net.TCPListener) error { return f.serve(l, false) }

// ServeTLS takes control connections from l until it is closed. They are TLS
// from the first byte, and so are their data connections, as if PBSZ 0 and
// PROT P had been said: implicit FTPS, usually on port 990.
func (f *Front) ServeTLS(l *net.TCPListener) error {
	if f.cfg.Load().TLS == nil {
		return errors.New("serve implicit TLS: TLS is switched off")
	}
	return f.serve(l, true)
}

func (f *Front) serve(l *net.TCPListener, implicit bool) error {
	for {
		conn, err := l.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // out of descriptors, most likely: they come back
			f.cfg.Load().Log.Warn("cannot accept control connections", "error", err)
			select {
			case <-time.After(acceptPause):
				continue
			case <-f.ended:
				return nil
			}
		}
		f.arrive(conn, implicit)
	}
}

// arrive admits a connection, or says why not. It is one goroutine's work for
// all who come, so it waits for nobody.
func (f *Front) arrive(conn *net.TCPConn, implicit bool) {
	s := newSession(f, conn)
	if until, banned := s.front.cfg.Bans.Check(s.client, s.exempt()); banned {
		f.refuse(conn, implicit, s.client, "banned for wrong passwords", banText(until))
		return
	}
	entry, err := s.front.cfg.Sessions.Enter(s.client, s)
	if err != nil {
		f.refuse(conn, implicit, s.client, err.Error(), refusal(err))
		return
	}
	inlineUrgent(conn)
	s.entry = entry
	s.log = s.front.cfg.Log.With("session", entry.ID, "client", s.client)
	s.log.Debug("control connection opened", "local", s.local, "implicit", implicit)
	f.sessions.Add(1)
	if !implicit {
		f.admit(s)
		return
	}
	go func() {
		s.implicit = true
		if s.secure() != nil {
			s.Close()
			return
		}
		f.admit(s)
	}()
}

// admit gives a session to the library.
func (f *Front) admit(s *session) {
	select {
	case f.arrivals <- s:
	case <-f.ended:
		s.Close()
	}
}

// refuse says why and hangs up. A new connection has room for one line, so the
// write does not wait. Where TLS was to be spoken there is nobody to say it to.
func (f *Front) refuse(conn *net.TCPConn, implicit bool, client netip.Addr, reason, text string) {
	f.refusals.add(client, "control connection refused", reason)
	if !implicit {
		conn.Write(line(421, "%s", text).append(nil))
	}
	conn.Close()
}

// refusal is what a client is told that may not come in.
func refusal(err error) string {
	switch {
	case errors.Is(err, driver.ErrTooManyFromAddress):
		return "Too many sessions from your address. Close one, or try again later."
	case errors.Is(err, driver.ErrTooFast):
		return "Too many connections from your address at a time. Try again in a moment."
	case errors.Is(err, driver.ErrDraining):
		return "The server is shutting down. Try again later."
	}
	return "Too many sessions. Try again later."
}

// banText is what is told who is banned.
func banText(until time.Time) string {
	return fmt.Sprintf("Too many wrong passwords from your address. Try again in %s.", time.Until(until).Round(time.Second))
}
