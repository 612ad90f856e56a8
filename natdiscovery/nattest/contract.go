package nattest

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Gateway is the router that a client is tested against, seen from its own
// side: a *Router, or a real one whose rules are read.
type Gateway interface {
	// External is its WAN address.
	External() netip.Addr
	// Mapped is where it forwards an external TCP port to.
	Mapped(external uint16) (netip.AddrPort, bool)
	// Occupy maps an external port to another host.
	Occupy(external uint16, by netip.AddrPort)
}

// What only some gateways can be made to do; the parts of the contract that
// need it are skipped by name for the others.
type (
	forgetter interface{ Forget() }
	rebooter  interface{ Reboot(testing.TB) }
	silencer  interface{ Silence() }
)

// Silence makes the router take requests and answer none.
func (r *Router) Silence() {
	r.Behave(func(b *Behaviour) { b.SearchSilent, b.WebSilent = true, true })
}

// patience is how long one call of the contract may take at most.
const patience = 20 * time.Second

// neighbour is another host of the LAN.
var neighbour = netip.MustParseAddrPort("192.168.77.20:8080")

// TestClient is the contract of gateway.Client. Each part starts with a fresh
// client of a running gateway; the parts use different ports, so the gateway
// may be the same one.
func TestClient(t *testing.T, start func(t *testing.T) (Gateway, gateway.Client)) {
	for _, part := range []struct {
		name string
		run  func(*contract)
	}{
		{"says which gateway it is and how it asks", (*contract).identity},
		{"tells the external address", (*contract).external},
		{"maps a port and finds it listed", (*contract).maps},
		{"renews a mapping that is ours", (*contract).renews},
		{"never takes another host's port", (*contract).conflict},
		{"misses a mapping that is not listed, or puts it there", (*contract).missing},
		{"misses a mapping that the gateway forgot", (*contract).forgotten},
		{"unmaps once and twice", (*contract).unmaps},
		{"ends with its context", (*contract).cancelled},
		{"does not wait for a silent gateway", (*contract).silent},
		{"says that the gateway is gone after a reboot", (*contract).gone},
	} {
		t.Run(part.name, func(t *testing.T) {
			g, client := start(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			part.run(&contract{T: t, ctx: ctx, gateway: g, client: client})
		})
	}
}

// contract is one part of the suite at work.
type contract struct {
	*testing.T
	ctx     context.Context
	gateway Gateway
	client  gateway.Client
}

func (c *contract) request(port uint16) gateway.Request {
	return gateway.Request{
		Internal: netip.AddrPortFrom(c.client.Local(), port), External: port,
		Lease: 10 * time.Minute, Description: "natftpd contract",
	}
}

// mapped maps a port and gives it back when the test ends.
func (c *contract) mapped(port uint16) gateway.Mapping {
	c.Helper()
	r := c.request(port)
	m, err := c.client.Map(c.ctx, r)
	if err != nil {
		c.Fatalf("Map(%d): %v", port, err)
	}
	c.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), time.Second)
		defer cancel()
		_ = c.client.Unmap(ctx, m) // the test may have ended the gateway
	})
	if m.Request != r {
		c.Errorf("Map(%d) confirms %+v, want %+v", port, m.Request, r)
	}
	c.listed(port, r.Internal)
	return m
}

func (c *contract) listed(port uint16, want netip.AddrPort) {
	c.Helper()
	if got, ok := c.gateway.Mapped(port); !ok || got != want {
		c.Errorf("the gateway forwards port %d to %v (%t), want %v", port, got, ok, want)
	}
}

func (c *contract) fails(what string, err, want error) {
	c.Helper()
	if !errors.Is(err, want) {
		c.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func (c *contract) works(what string, err error) {
	c.Helper()
	if err != nil {
		c.Errorf("%s: %v", what, err)
	}
}

func (c *contract) identity() {
	if c.client.Method() == "" {
		c.Error("the client names no method")
	}
	d := c.client.Device()
	if !d.Address.IsValid() || d.Service == "" {
		c.Errorf("the client describes its gateway as %+v, want an address and a service", d)
	}
	if !c.client.Local().IsValid() {
		c.Error("the client does not know our own address")
	}
}

func (c *contract) external() {
	got, err := c.client.ExternalAddress(c.ctx)
	c.works("ExternalAddress", err)
	if want := c.gateway.External(); got != want {
		c.Errorf("ExternalAddress is %v, want %v", got, want)
	}
}

func (c *contract) maps() {
	before := time.Now()
	m := c.mapped(50001)
	if m.Granted.Before(before) || m.Granted.After(time.Now()) {
		c.Errorf("granted at %v, want between %v and now", m.Granted, before)
	}
	c.works("Check", c.client.Check(c.ctx, m))
}

func (c *contract) renews() {
	m := c.mapped(50002)
	again, err := c.client.Map(c.ctx, m.Request)
	c.works("Map again", err)
	if again.Granted.Before(m.Granted) {
		c.Errorf("renewed at %v, before it was granted at %v", again.Granted, m.Granted)
	}
	c.works("Check", c.client.Check(c.ctx, again))
}

func (c *contract) conflict() {
	const port = 50003
	c.gateway.Occupy(port, neighbour)
	r := c.request(port)
	_, err := c.client.Map(c.ctx, r)
	c.fails("Map", err, gateway.ErrConflict)
	ours := gateway.Mapping{Request: r, Granted: time.Now()}
	c.fails("Check", c.client.Check(c.ctx, ours), gateway.ErrConflict)
	c.works("Unmap", c.client.Unmap(c.ctx, ours))
	c.listed(port, neighbour)
}

func (c *contract) missing() {
	m := gateway.Mapping{Request: c.request(50004), Granted: time.Now()}
	err := c.client.Check(c.ctx, m)
	if err != nil {
		c.fails("Check", err, gateway.ErrNotMapped)
		return
	}
	c.listed(50004, m.Internal)
	c.works("Unmap", c.client.Unmap(c.ctx, m))
}

func (c *contract) forgotten() {
	g, ok := c.gateway.(forgetter)
	if !ok {
		c.Skip("this gateway can't be made to forget")
	}
	m := c.mapped(50005)
	g.Forget()
	c.fails("Check", c.client.Check(c.ctx, m), gateway.ErrNotMapped)
	_, err := c.client.Map(c.ctx, m.Request)
	c.works("Map again", err)
	c.listed(50005, m.Internal)
}

func (c *contract) unmaps() {
	m := c.mapped(50006)
	for _, what := range []string{"Unmap", "Unmap again"} {
		c.works(what, c.client.Unmap(c.ctx, m))
		if to, ok := c.gateway.Mapped(50006); ok {
			c.Errorf("after %s the gateway still forwards to %v", what, to)
		}
	}
}

func (c *contract) cancelled() {
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	_, err := c.client.Map(ctx, c.request(50007))
	c.fails("Map", err, context.Canceled)
	if errors.Is(err, gateway.ErrGone) {
		c.Errorf("the client takes our own end for the gateway's: %v", err)
	}
	if to, ok := c.gateway.Mapped(50007); ok {
		c.Errorf("the gateway forwards to %v after a request that was cancelled before it began", to)
	}
}

func (c *contract) silent() {
	g, ok := c.gateway.(silencer)
	if !ok {
		c.Skip("this gateway can't be made silent")
	}
	g.Silence()
	ctx, cancel := context.WithTimeout(c.ctx, 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := c.client.ExternalAddress(ctx)
	c.fails("ExternalAddress", err, gateway.ErrGone)
	if took := time.Since(began); took > patience/4 {
		c.Errorf("the client waited %v for a silent gateway, want to end with its context", took)
	}
}

func (c *contract) gone() {
	g, ok := c.gateway.(rebooter)
	if !ok {
		c.Skip("this gateway can't be rebooted")
	}
	m := c.mapped(50008)
	g.Reboot(c)
	_, err := c.client.ExternalAddress(c.ctx)
	c.fails("ExternalAddress", err, gateway.ErrGone)
	_, err = c.client.Map(c.ctx, m.Request)
	c.fails("Map", err, gateway.ErrGone)
	c.fails("Check", c.client.Check(c.ctx, m), gateway.ErrGone)
	c.fails("Unmap", c.client.Unmap(c.ctx, m), gateway.ErrGone)
}
