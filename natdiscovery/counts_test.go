package natdiscovery

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

func TestRequestsAreCountedByWhatTheGatewaySaid(t *testing.T) {
	var n Counts
	for _, err := range []error{
		nil, nil,
		fmt.Errorf("map: %w", gateway.ErrRefused), gateway.ErrNotMapped, gateway.ErrFull,
		fmt.Errorf("map: %w", gateway.ErrGone), context.DeadlineExceeded, fmt.Errorf("map: %w", gateway.ErrProtocol),
	} {
		n.request(err)
	}
	if want := (Counts{Answered: 2, Refused: 3, Unanswered: 3}); n != want {
		t.Errorf("got %+v, want %+v", n, want)
	}
}

func TestAnAddressThatBecomesAnotherIsCounted(t *testing.T) {
	c := newCore(Config{}, journal{})
	now := time.Now()
	for i, addr := range []string{"203.0.113.1", "203.0.113.1", "198.51.100.9"} {
		c.cfg.ExternalAddress = netip.MustParseAddr(addr)
		c.weigh(now.Add(time.Duration(i) * time.Minute))
	}
	if got := c.status().Counts.AddressChanges; got != 1 {
		t.Errorf("%d changes, want 1: the first address is none", got)
	}
}
