package natdiscovery

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

// The actions of the core. A gateway's client and STUN bound themselves; the
// time-outs here hold whatever a function in a Config does.
const (
	searchTimeout  = 15 * time.Second
	requestTimeout = 20 * time.Second // a mapping takes up to four requests
	lookUpTimeout  = 5 * time.Second
)

// readNetwork reads this host's place in its LAN.
type readNetwork struct{}

func (readNetwork) do(_ context.Context, cfg Config) event {
	n, err := cfg.Network()
	if err != nil {
		cfg.Log.Debug("read network", "error", err)
	}
	return networkRead{Network{Interface: n.Interface, Local: n.Local, Router: n.Router, Router6: n.Router6, LANs: n.LANs},
		n.Addrs, n.Lasting, err}
}

// askAddress asks the gateway for its WAN address.
type askAddress struct{ client gateway.Client }

func (a askAddress) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	addr, err := a.client.ExternalAddress(ctx)
	cfg.Log.Debug("ask external address", "external", addr, "error", err)
	if err != nil {
		addr = netip.Addr{}
	}
	return addressTold{addr.Unmap(), err, forgot(a.client)}
}

// forgot is when a gateway was last noticed to have lost its mappings; the zero
// Time: not yet, or its method does not tell.
func forgot(client any) time.Time {
	if f, ok := client.(gateway.Forgetful); ok {
		return f.Forgot()
	}
	return time.Time{}
}

// mapPort adds or renews the mapping of the port with the index.
type mapPort struct {
	client  gateway.Client
	index   int
	request gateway.Request
}

func (a mapPort) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := a.client.Map(ctx, a.request)
	cfg.Log.Debug("map", "external_port", a.request.External, "internal", a.request.Internal, "lease", m.Lifetime, "error", err)
	switch {
	case err != nil:
	case m.External != a.request.External || m.Internal != a.request.Internal:
		err = fmt.Errorf("map port %d: %w: it mapped port %d to %v", a.request.External, gateway.ErrProtocol, m.External, m.Internal)
	case tooShort(m.Lifetime):
		err = fmt.Errorf("map port %d: %w: it grants no more than %v", a.request.External, gateway.ErrProtocol, m.Lifetime)
	}
	return mapped{a.index, a.request, m, err, forgot(a.client), cfg.Random()}
}

// shortestLease is the least that is worth having: what ends sooner would have to be
// asked for all the time, and would still be gone now and then.
const shortestLease = 30 * time.Second

// tooShort judges a lifetime that was granted. Zero is for ever.
func tooShort(lifetime time.Duration) bool { return 0 < lifetime && lifetime < shortestLease }

// check asks whether the gateway still lists a mapping.
type check struct {
	client  gateway.Client
	index   int
	mapping gateway.Mapping
}

func (a check) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := a.client.Check(ctx, a.mapping)
	cfg.Log.Debug("check", "external_port", a.mapping.External, "error", err)
	return checked{a.index, err, forgot(a.client)}
}

// unmap removes a mapping, by the method in use or one beside it.
type unmap struct {
	client gateway.Client
	remnant
}

func (a unmap) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := a.client.Unmap(ctx, a.mapping)
	cfg.Log.Debug("unmap", "external_port", a.mapping.External, "internal", a.mapping.Internal, "error", err)
	return unmapped{a, err}
}

// askSTUN asks the STUN servers, and believes what operators say alike.
type askSTUN struct{}

func (askSTUN) do(ctx context.Context, cfg Config) event {
	answers := cfg.AskSTUN(ctx)
	for _, a := range answers {
		cfg.Log.Debug("ask STUN", "server", a.Server, "reflexive", a.Reflexive, "error", a.Err)
	}
	addr, agreed := stun.Agree(answers)
	return stunAnswered{addr, agreed}
}

// lookUp resolves the operator's host name.
type lookUp struct{ host string }

func (a lookUp) do(ctx context.Context, cfg Config) event {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	addrs, err := cfg.LookupHost(ctx, a.host)
	cfg.Log.Debug("look up", "host", a.host, "addresses", addrs, "error", err)
	if err != nil {
		return lookedUp{}
	}
	return lookedUp{addrs}
}
