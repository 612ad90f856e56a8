package upnp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"natftpd/natdiscovery/gateway"
)

// protocol is written in upper case; some routers know no other (tailscale
// issue 7377).
const protocol = "TCP"

// entry is a row of the router's table of port mappings.
type entry struct {
	// internal is where it leads; the zero AddrPort, which is never ours,
	// where a router tells the host's name instead.
	internal    netip.AddrPort
	owner       string // the host, for people
	description string
	enabled     bool
	// left is how long the row lives on; zero: for ever, or not told.
	left time.Duration
}

// key names a row: the three arguments that all actions on one row begin with.
type key struct {
	NewRemoteHost   string
	NewExternalPort string
	NewProtocol     string
}

func keyOf(external uint16) key {
	return key{NewExternalPort: strconv.Itoa(int(external)), NewProtocol: protocol}
}

// entry asks for one row (GetSpecificPortMappingEntry, WANIPC 2.5.12). It
// returns gateway.ErrNotMapped when there is none.
func (c *Client) entry(ctx context.Context, external uint16) (entry, error) {
	const action = "GetSpecificPortMappingEntry"
	in := keyOf(external)
	var out struct {
		NewInternalPort           string
		NewInternalClient         string
		NewEnabled                string
		NewPortMappingDescription string
		NewLeaseDuration          string
	}
	if err := c.ask(ctx, action, external, &in, &out); err != nil {
		return entry{}, err
	}
	client, port := strings.TrimSpace(out.NewInternalClient), strings.TrimSpace(out.NewInternalPort)
	if client == "" || client == "0.0.0.0" {
		return entry{}, fmt.Errorf("%s: %w: it forwards to nobody", subject(action, external), gateway.ErrNotMapped)
	}
	e := entry{owner: printable(client), description: strings.TrimSpace(out.NewPortMappingDescription)}
	if internal, err := netip.ParseAddrPort(client + ":" + port); err == nil {
		e.internal = internal
	}
	switch strings.ToLower(strings.TrimSpace(out.NewEnabled)) {
	case "1", "true", "yes", "": // UDA 2.5 allows all three; some tell none
		e.enabled = true
	}
	if seconds, err := strconv.ParseUint(strings.TrimSpace(out.NewLeaseDuration), 10, 32); err == nil {
		e.left = time.Duration(seconds) * time.Second
	}
	return e, nil
}

// maxLease is the longest that a router may grant (WANIPC 2.3.16).
const maxLease = 604800 * time.Second

// add writes a row (AddPortMapping, WANIPC 2.5.16). A lease of zero asks for
// one that never ends.
func (c *Client) add(ctx context.Context, r gateway.Request, lease time.Duration) error {
	seconds := (min(lease, maxLease) + time.Second - 1) / time.Second
	in := struct {
		NewRemoteHost             string
		NewExternalPort           string
		NewProtocol               string
		NewInternalPort           string
		NewInternalClient         string
		NewEnabled                string
		NewPortMappingDescription string
		NewLeaseDuration          string
	}{
		NewExternalPort:           strconv.Itoa(int(r.External)),
		NewProtocol:               protocol,
		NewInternalPort:           strconv.Itoa(int(r.Internal.Port())),
		NewInternalClient:         r.Internal.Addr().String(),
		NewEnabled:                "1",
		NewPortMappingDescription: r.Description,
		NewLeaseDuration:          strconv.FormatInt(int64(seconds), 10),
	}
	return c.ask(ctx, "AddPortMapping", r.External, &in, nil)
}

// remove takes a row out (DeletePortMapping, WANIPC 2.5.18). One that has gone
// already is fine.
func (c *Client) remove(ctx context.Context, external uint16) error {
	in := keyOf(external)
	if err := c.ask(ctx, "DeletePortMapping", external, &in, nil); !errors.Is(err, gateway.ErrNotMapped) {
		return err
	}
	return nil
}
