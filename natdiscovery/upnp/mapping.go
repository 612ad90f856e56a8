package upnp

import (
	"context"
	"errors"
	"fmt"
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
	if _, err := c.mayTake(ctx, r); err != nil {
		return gateway.Mapping{}, err
	}
	err := c.addAnyLease(ctx, r)
	if code(err) == codeConflict {
		err = c.replace(ctx, r, err)
	}
	switch {
	case code(err) == codeActionFailed:
		return gateway.Mapping{}, c.explainFailure(ctx, err)
	case err != nil && !errors.Is(err, gateway.ErrProtocol):
		return gateway.Mapping{}, err
	}
	// After an answer that makes no sense, what the router lists decides:
	// some answer success with an empty body.
	granted := time.Now()
	e, listErr := c.listed(ctx, r)
	if listErr != nil && err != nil {
		return gateway.Mapping{}, err
	}
	if listErr != nil {
		return gateway.Mapping{}, listErr
	}
	// A router that lists no time left was asked for a lease in vain, or does
	// not tell. Renewing is right in the first case and needed in the second.
	lifetime := e.left
	if lifetime == 0 && !c.permanent {
		lifetime = r.Lease
	}
	return gateway.Mapping{Request: r, Granted: granted, Lifetime: lifetime}, nil
}

// mayTake looks whether the port is free or ours to write, and says whether it
// is ours.
func (c *Client) mayTake(ctx context.Context, r gateway.Request) (bool, error) {
	e, err := c.entry(ctx, r.External)
	switch n := code(err); {
	case errors.Is(err, gateway.ErrNotMapped), n == codeInvalidArgs, n == codeActionFailed:
		// The last two are what some routers answer for a port that nobody
		// has.
		return false, nil
	case err != nil:
		return false, err
	case !e.belongs(r):
		return false, taken(r, e)
	}
	return true, nil
}

// belongs says whether a row is ours: it leads to our port, or to another one of
// this host under our description, which is left from an earlier run.
func (e entry) belongs(r gateway.Request) bool {
	return e.internal == r.Internal ||
		e.internal.Addr() == r.Internal.Addr() && e.description == r.Description
}

// taken says who has a port that we want.
func taken(r gateway.Request, e entry) error {
	return fmt.Errorf("UPnP mapping of TCP port %d: %w: it leads to %s (%q)",
		r.External, gateway.ErrConflict, e.owner, printable(e.description))
}

// addAnyLease adds a mapping with the lease asked for, or without one where the
// router takes no other.
func (c *Client) addAnyLease(ctx context.Context, r gateway.Request) error {
	if c.permanent || r.Lease == 0 {
		return c.add(ctx, r, 0)
	}
	err := c.add(ctx, r, r.Lease)
	// The ARRIS NVG578LX says 402 where it means 725 (tailscale issue 15223).
	if n := code(err); n != codeOnlyPermanent && n != codeInvalidArgs {
		return err
	}
	if err = c.add(ctx, r, 0); err == nil {
		c.permanent = true
	}
	return err
}

// replace deletes and adds again what is ours and was refused as a conflict:
// some routers do not let a mapping be renewed (Open.NAT issue 14). A port that
// is not ours stays with whoever has it.
func (c *Client) replace(ctx context.Context, r gateway.Request, conflict error) error {
	ours, err := c.mayTake(ctx, r)
	if err != nil {
		return err
	}
	if !ours {
		return conflict
	}
	if err := c.remove(ctx, r.External); err != nil {
		return err
	}
	return c.addAnyLease(ctx, r)
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
