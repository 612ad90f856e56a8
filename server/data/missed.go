package data

import (
	"fmt"
	"net/netip"
	"time"
)

// MissedError: nobody came to a reserved passive port. It wraps the cause of the
// context that ended the wait.
type MissedError struct {
	// Port is the one that the client was told.
	Port uint16
	// Waited is how long, from the command that needs the connection.
	Waited time.Duration
	// CameTo is another passive port at which the client knocked meanwhile, as
	// it does when a NAT helper on the way changes the number in our reply; 0:
	// none.
	CameTo uint16
	// Stranger is another address that knocked at Port meanwhile: the client
	// itself, if it has several ways out; zero: nobody.
	Stranger netip.Addr

	cause error
}

// Error can be told to the client: it does not name the stranger.
func (e *MissedError) Error() string {
	text := fmt.Sprintf("nobody came to passive port %d", e.Port)
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	if e.CameTo != 0 {
		text += fmt.Sprintf("; you came to port %d", e.CameTo)
	}
	if e.Stranger.IsValid() {
		text += "; somebody came from another address"
	}
	return text
}

// Unwrap is why the wait ended.
func (e *MissedError) Unwrap() error { return e.cause }

// missed says what is known of the one who did not come.
func (r *Reservation) missed(waited time.Duration, cause error) *MissedError {
	r.port.mu.Lock()
	defer r.port.mu.Unlock()
	return &MissedError{Port: r.port.number, Waited: waited, CameTo: r.cameTo, Stranger: r.stranger, cause: cause}
}

// knocked notes, for those who wait, that peer came to a port where nobody
// awaits it. One note of each kind is kept for a reservation, and nothing is
// noted of connections that are awaited.
func (p *Ports) knocked(at *port, peer netip.Addr) {
	at.mu.Lock()
	for _, r := range at.waiting {
		r.stranger = peer
	}
	at.mu.Unlock()
	for _, other := range p.now.Load().ports {
		other.mu.Lock()
		if r := other.waiting[peer]; r != nil {
			r.cameTo = at.number
		}
		other.mu.Unlock()
	}
}
