package natdiscovery

import (
	"errors"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Counts are what the loop has counted since it began.
type Counts struct {
	// Answered are the requests that the gateway fulfilled, Refused those that it
	// answered with an error, Unanswered those that it did not answer, or only
	// with nonsense.
	Answered, Refused, Unanswered uint64
	// AddressChanges is how often the external address became another one.
	AddressChanges uint64
}

// request counts the outcome of one request to the gateway.
func (n *Counts) request(err error) {
	switch {
	case err == nil:
		n.Answered++
	case gone(err), errors.Is(err, gateway.ErrProtocol):
		n.Unanswered++
	default:
		n.Refused++
	}
}

// outcome is the event of a request to the gateway: it tells its error.
type outcome interface{ outcome() error }

func (e addressTold) outcome() error     { return e.err }
func (e mapped) outcome() error          { return e.err }
func (e checked) outcome() error         { return e.err }
func (e unmapped) outcome() error        { return e.err }
func (e pinholeAnswered) outcome() error { return e.err }

// happened applies what happened, and counts it.
func (c *core) happened(e event, now time.Time) {
	if r, ok := e.(outcome); ok {
		c.counts.request(r.outcome())
	}
	e.apply(c, now)
}
