package upnp

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"natftpd/natdiscovery/gateway"
)

// rank brings the connection that works to the front, where a router describes
// several (one for each PPPoE session, or one that is never up). Those that are
// alike keep the order of their types.
func (c *Client) rank(ctx context.Context) {
	type ranked struct {
		service
		points int
	}
	all := make([]ranked, len(c.services))
	for i, s := range c.services {
		all[i] = ranked{s, c.points(ctx, s)}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.points, a.points) })
	for i, s := range all {
		c.services[i] = s.service
	}
}

// points says how well a connection works: it is up (GetStatusInfo, WANIPC
// 2.5.4), it has an external address, a public one at best.
func (c *Client) points(ctx context.Context, s service) int {
	var status struct{ NewConnectionStatus string }
	if err := c.askService(ctx, s, "GetStatusInfo", 0, nil, &status); err != nil {
		return 0
	}
	points := 1
	// "Up" is what some say instead of the standard's word (tailscale).
	switch strings.TrimSpace(status.NewConnectionStatus) {
	case "Connected", "Up":
		points += 3
	}
	var out struct{ NewExternalIPAddress string }
	if err := c.askService(ctx, s, "GetExternalIPAddress", 0, nil, &out); err != nil {
		return points
	}
	if addr, ok := c.externalAddress(strings.TrimSpace(out.NewExternalIPAddress)); ok {
		points++
		if gateway.Public(addr) {
			points++
		}
	}
	return points
}
