package upnp

import (
	"cmp"
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
	read time.Time // when the router was asked
	ours bool      // mine has found it to be
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
	asked := time.Now()
	if err := c.ask(ctx, action, external, &in, &out); err != nil {
		return entry{}, err
	}
	client, port := strings.TrimSpace(out.NewInternalClient), strings.TrimSpace(out.NewInternalPort)
	if client == "" || client == "0.0.0.0" {
		return entry{}, fmt.Errorf("%s: %w: it forwards to nobody", subject(action, external), gateway.ErrNotMapped)
	}
	e := entry{read: asked, owner: printable(client), description: strings.TrimSpace(out.NewPortMappingDescription)}
	if internal, err := netip.ParseAddrPort(client + ":" + port); err == nil {
		e.internal = internal
	}
	e.enabled = truth(out.NewEnabled)
	if seconds, err := strconv.ParseUint(strings.TrimSpace(out.NewLeaseDuration), 10, 32); err == nil {
		e.left = time.Duration(seconds) * time.Second
	}
	return e, nil
}

// truth reads a boolean, which UDA 2.5 spells in three ways. Some routers tell
// none, and mean yes.
func truth(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "yes", "":
		return true
	}
	return false
}

// maxLease is the longest that a router may grant (WANIPC 2.3.16).
const maxLease = 604800 * time.Second

// seconds is a duration as the router's arguments have it, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// row is what AddPortMapping and AddAnyPortMapping are given.
type row struct {
	NewRemoteHost             string // empty: any; some know no other (error 726)
	NewExternalPort           string
	NewProtocol               string
	NewInternalPort           string
	NewInternalClient         string
	NewEnabled                string
	NewPortMappingDescription string
	NewLeaseDuration          string
}

func rowOf(r gateway.Request, lease time.Duration) row {
	return row{
		NewExternalPort:           strconv.Itoa(int(r.External)),
		NewProtocol:               protocol,
		NewInternalPort:           strconv.Itoa(int(r.Internal.Port())),
		NewInternalClient:         r.Internal.Addr().String(),
		NewEnabled:                "1",
		NewPortMappingDescription: r.Description,
		NewLeaseDuration:          seconds(min(lease, maxLease)),
	}
}

// add writes a row (AddPortMapping, WANIPC 2.5.16). A lease of zero asks for
// one that never ends.
func (c *Client) add(ctx context.Context, r gateway.Request, lease time.Duration) error {
	in := rowOf(r, lease)
	return c.ask(ctx, "AddPortMapping", r.External, &in, nil)
}

// addAny writes a row for the port or any other (AddAnyPortMapping, WANIPC
// 2.5.17), and says which it is.
func (c *Client) addAny(ctx context.Context, r gateway.Request, lease time.Duration) (uint16, error) {
	const action = "AddAnyPortMapping"
	in := rowOf(r, lease)
	// The second is what miniupnpd said until 2024.
	var out struct{ NewReservedPort, NewExternalPort string }
	if err := c.ask(ctx, action, r.External, &in, &out); err != nil {
		return 0, err
	}
	port, err := strconv.ParseUint(strings.TrimSpace(cmp.Or(out.NewReservedPort, out.NewExternalPort)), 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%s: %w: it names no port", subject(action, r.External), gateway.ErrProtocol)
	}
	return uint16(port), nil
}

// rows counts the rows of the router's table, up to a limit
// (GetGenericPortMappingEntry, WANIPC 2.5.11). Routers end the list with errors
// of their own choice.
func (c *Client) rows(ctx context.Context, limit int) int {
	for i := range limit {
		in := struct{ NewPortMappingIndex string }{strconv.Itoa(i)}
		if c.ask(ctx, "GetGenericPortMappingEntry", 0, &in, nil) != nil {
			return i
		}
	}
	return limit
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
