package upnp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"natftpd/natdiscovery/gateway"
)

// listingDelay is how long a router may take from accepting a mapping to
// listing it.
const listingDelay = 300 * time.Millisecond

// Map adds or renews a mapping and reads it back. It looks at the port first,
// because some routers let one host overwrite another's mapping. What the router
// refuses comes back as *Fault.
func (c *Client) Map(ctx context.Context, r gateway.Request) (gateway.Mapping, error) {
	if r.External == 0 || !r.Internal.IsValid() || r.Internal.Port() == 0 {
		return gateway.Mapping{}, fmt.Errorf("map TCP port %d to %s: no such mapping exists", r.External, r.Internal)
	}
	before, err := c.mine(ctx, r)
	if err != nil {
		return gateway.Mapping{}, err
	}
	// Another host's row is not overwritten, even if the host was us.
	moved := before.ours && before.internal.Addr() != r.Internal.Addr()
	anew := moved || before.ours && c.habits.anew
	e, err := c.write(ctx, r, anew)
	if moved && code(err) == codeNotAuthorized {
		// In secure mode a router lets nobody but its client remove a mapping.
		err = fmt.Errorf("%w; it is our own from before, and ends by itself: %v", taken(r, before), err)
	}
	if err == nil && !anew && c.habits.ranOn(r, before, e) {
		e, err = c.write(ctx, r, true)
		c.habits.anew = err == nil && e.left > before.left
	}
	if err != nil {
		return gateway.Mapping{}, err
	}
	c.habits.took(e, before)
	// A router that lists no time left was asked for a lease in vain, or does
	// not tell. Renewing is right in the first case and needed in the second.
	lifetime := e.left
	if lifetime == 0 && !c.habits.permanent {
		lifetime = r.Lease
	}
	return gateway.Mapping{Request: r, Granted: e.read, Lifetime: lifetime}, nil
}

// write adds a row, after deleting it if it is to be made anew, and reads it back.
func (c *Client) write(ctx context.Context, r gateway.Request, anew bool) (entry, error) {
	if anew {
		if err := c.remove(ctx, r.External); err != nil {
			return entry{}, err
		}
	}
	err := c.addAnyLease(ctx, r)
	if code(err) == codeConflict && !anew {
		err = c.settleConflict(ctx, r, err)
	}
	switch {
	case code(err) == codeActionFailed:
		return entry{}, c.explainFailure(ctx, err)
	case code(err) == codeInvalidArgs:
		return entry{}, c.explainArguments(ctx, err)
	case err != nil && !errors.Is(err, gateway.ErrProtocol):
		return entry{}, err
	}
	// After an answer that makes no sense, what the router lists decides:
	// some answer success with an empty body.
	e, listErr := c.listed(ctx, r)
	if listErr != nil && err != nil {
		return entry{}, err
	}
	return e, listErr
}

// mine looks whether the port is free or ours to write. It returns our row, or an
// empty one.
func (c *Client) mine(ctx context.Context, r gateway.Request) (entry, error) {
	e, err := c.entry(ctx, r.External)
	switch n := code(err); {
	case errors.Is(err, gateway.ErrNotMapped), n == codeInvalidArgs, n == codeActionFailed:
		// The last two are what some routers answer for a port that nobody
		// has.
		return entry{}, nil
	case err != nil:
		return entry{}, err
	case !e.belongs(r):
		return entry{}, taken(r, e)
	}
	e.ours = true
	return e, nil
}

// belongs says whether a row is ours: it leads to our port, or under our description
// to another one of this host, or to an address that this host had before.
func (e entry) belongs(r gateway.Request) bool {
	host := e.internal.Addr()
	return e.internal == r.Internal ||
		e.description == r.Description && host.IsValid() && (host == r.Internal.Addr() || host == r.Formerly)
}

// taken says who has a port that we want.
func taken(r gateway.Request, e entry) error {
	return fmt.Errorf("UPnP mapping of TCP port %d: %w: it leads to %s (%q)",
		r.External, gateway.ErrConflict, e.owner, printable(e.description))
}

// addAnyLease adds a mapping with the lease asked for, or without one where the
// router takes no other.
func (c *Client) addAnyLease(ctx context.Context, r gateway.Request) error {
	if c.habits.permanent || r.Lease == 0 {
		return c.add(ctx, r, 0)
	}
	err := c.add(ctx, r, r.Lease)
	// The ARRIS NVG578LX says 402 where it means 725 (tailscale issue 15223).
	if n := code(err); n != codeOnlyPermanent && n != codeInvalidArgs {
		return err
	}
	if err = c.add(ctx, r, 0); err == nil {
		c.habits.permanent = true
	}
	return err
}

// settleConflict finds out what error 718 means. Some routers do not let a mapping
// be renewed (Open.NAT issue 14): ours is deleted and added again. Where nobody has
// the port an IGD v2 is asked for any. A port that is not ours stays with whoever
// has it.
func (c *Client) settleConflict(ctx context.Context, r gateway.Request, conflict error) error {
	e, err := c.mine(ctx, r)
	switch {
	case err != nil:
		return err
	case !e.ours:
		return c.askForAny(ctx, r, conflict)
	}
	if err := c.remove(ctx, r.External); err != nil {
		return err
	}
	if err = c.addAnyLease(ctx, r); err == nil {
		c.habits.anew = true
	}
	return err
}

// askForAny asks an IGD v2 for a port that it refused as taken although it lists
// nobody who has it. Another port is of no use, and given back.
func (c *Client) askForAny(ctx context.Context, r gateway.Request, conflict error) error {
	if !strings.HasSuffix(c.services[0].urn, ":2") {
		return conflict
	}
	lease := r.Lease
	if c.habits.permanent {
		lease = 0
	}
	port, err := c.addAny(ctx, r, lease)
	switch {
	case code(err) != 0:
		return conflict // which says more of the port than this does
	case err != nil:
		return err
	case port == r.External:
		return nil
	}
	other := r
	other.External = port
	if err := c.Unmap(ctx, gateway.Mapping{Request: other}); err != nil {
		return err
	}
	return fmt.Errorf("%w; it offers port %d instead", conflict, port)
}

// explainFailure finds out what error 501 means: miniupnpd answers it behind
// another NAT, where it has no external address or a private one.
func (c *Client) explainFailure(ctx context.Context, failed error) error {
	addr, err := c.ExternalAddress(ctx)
	if errors.Is(err, gateway.ErrNoWAN) || err == nil && !gateway.Public(addr) {
		return because(failed, gateway.ErrNoWAN)
	}
	return failed
}

// explainArguments finds out what error 402 means where a lease is not the reason:
// with a full table some routers answer it (miniupnp issue 92). They have taken the
// same arguments before, or have taken many from others.
func (c *Client) explainArguments(ctx context.Context, failed error) error {
	if c.habits.accepted || c.rows(ctx, smallTable) == smallTable {
		return because(failed, gateway.ErrFull)
	}
	return failed
}

// listed waits until the router lists a mapping as it was asked for.
func (c *Client) listed(ctx context.Context, r gateway.Request) (entry, error) {
	e, err := c.entry(ctx, r.External)
	if errors.Is(err, gateway.ErrNotMapped) {
		select {
		case <-ctx.Done():
			return entry{}, fmt.Errorf("UPnP mapping of TCP port %d: %w", r.External, ctx.Err())
		case <-time.After(listingDelay):
			e, err = c.entry(ctx, r.External)
		}
	}
	switch {
	case errors.Is(err, gateway.ErrNotMapped):
		// The WRT54G and others accept more than their table holds.
		return entry{}, fmt.Errorf("UPnP mapping of TCP port %d: %w: it was accepted but is not listed", r.External, gateway.ErrFull)
	case err != nil:
		return entry{}, err
	case e.internal != r.Internal:
		return entry{}, taken(r, e)
	case !e.enabled:
		// Nobody else would take it away again.
		if err := c.remove(ctx, r.External); err != nil {
			return entry{}, err
		}
		return entry{}, fmt.Errorf("UPnP mapping of TCP port %d: %w: it is listed as disabled", r.External, gateway.ErrRefused)
	}
	return e, nil
}

// Check asks whether the router still lists m as ours.
func (c *Client) Check(ctx context.Context, m gateway.Mapping) error {
	e, err := c.entry(ctx, m.External)
	switch {
	case err != nil:
		return err
	case e.internal != m.Internal:
		return taken(m.Request, e)
	case !e.enabled:
		return fmt.Errorf("UPnP mapping of TCP port %d: %w as enabled", m.External, gateway.ErrNotMapped)
	}
	return nil
}

// Unmap removes m if the router lists it as ours.
func (c *Client) Unmap(ctx context.Context, m gateway.Mapping) error {
	e, err := c.entry(ctx, m.External)
	switch {
	case errors.Is(err, gateway.ErrNotMapped):
		return nil
	case err != nil:
		return err
	case e.internal != m.Internal:
		return nil
	}
	return c.remove(ctx, m.External)
}
