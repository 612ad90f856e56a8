package natdiscovery

import (
	"context"
	"fmt"
	"net/netip"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/natpmp"
	"natftpd/natdiscovery/pcp"
	"natftpd/natdiscovery/upnp"
)

// speaker finds gateways by the methods that there are.
type speaker struct{ secret pcp.Secret }

func (s speaker) discover(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
	switch m {
	case gateway.PCP:
		return orNone(pcp.Probe(ctx, pcp.Config{Gateway: n.Router, Gateway6: netip.AddrPortFrom(n.Router6, 0),
			Local: n.Local, Secret: s.secret}))
	case gateway.NATPMP:
		return orNone(natpmp.Discover(ctx, natpmp.Config{Gateway: n.Router, Local: n.Local}))
	case gateway.UPnP:
		return orNone(upnp.Discover(ctx, upnp.Config{Local: n.Local, Router: n.Router, LANs: n.LANs}))
	}
	return nil, fmt.Errorf("discover a gateway by %q: %w: there is no such method", m, gateway.ErrNotFound)
}

// orNone keeps a nil pointer from becoming a client that is not nil.
func orNone[C gateway.Client](client C, err error) (gateway.Client, error) {
	if err != nil {
		return nil, err
	}
	return client, nil
}
