// Package upnp asks a home router for port mappings by UPnP's Internet Gateway
// Device, versions 1 and 2, over IPv4: it finds the router by SSDP, reads its device
// description, and speaks SOAP to its WANIPConnection or WANPPPConnection.
//
// Whatever arrives from the network is believed only from a neighbour, is
// bounded in size and time, and can't send us to another host: every request
// goes to the address that answered the search. The package keeps no timer, no
// lease and no goroutine between calls. It knows nothing of the loop that calls
// it, of other methods, and of FTP.
//
// Sections are those of the UPnP Device Architecture 1.1 (UDA) and of
// WANIPConnection:2 (WANIPC), both by the UPnP Forum.
package upnp

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"natftpd/natdiscovery/gateway"
)

// Config says where to look for a gateway and from where.
type Config struct {
	// Local is our own address in the LAN, which requests are sent from. The
	// zero Addr: the system chooses.
	Local netip.Addr
	// Router is the default gateway: asked first, and preferred to any other
	// device that answers. The zero Addr: not known.
	Router netip.Addr
	// LANs are the networks whose hosts may answer. Nobody outside them is
	// believed but Router.
	LANs []netip.Prefix
	// Search is where to send searches. Empty: to port 1900 of Router and of
	// SSDP's multicast group.
	Search []netip.AddrPort
	// Wait is how long to wait for the first answer. Zero: 3 s.
	Wait time.Duration
	// Timeout is the longest that one request to the gateway may take. Zero:
	// 5 s, since weak routers need seconds to change their rules.
	Timeout time.Duration
}

const (
	defaultWait    = 3 * time.Second
	defaultTimeout = 5 * time.Second
	ssdpPort       = 1900
)

// group is SSDP's multicast group (UDA 1.1).
var group = netip.AddrFrom4([4]byte{239, 255, 255, 250})

func (c Config) withDefaults() Config {
	if c.Wait == 0 {
		c.Wait = defaultWait
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if len(c.Search) == 0 {
		// Unicast first: it opens this host's own firewall for the answer,
		// and some LANs lose multicast.
		if c.Router.IsValid() {
			c.Search = append(c.Search, netip.AddrPortFrom(c.Router, ssdpPort))
		}
		c.Search = append(c.Search, netip.AddrPortFrom(group, ssdpPort))
	}
	return c
}

// believes says whether an answer from addr may be the gateway's.
func (c Config) believes(addr netip.Addr) bool {
	if addr.IsUnspecified() || addr.IsMulticast() {
		return false
	}
	if addr == c.Router {
		return true
	}
	for _, lan := range c.LANs {
		if lan.Contains(addr) {
			return true
		}
	}
	return false
}

// Discover looks for a gateway that offers port mappings. It returns
// gateway.ErrNotFound, with the reason, when none does within Wait and the time
// that one request may take.
func Discover(ctx context.Context, cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	limited, cancel := context.WithTimeout(ctx, cfg.Wait+cfg.Timeout)
	defer cancel()
	client, err := discover(limited, cfg)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("search for a UPnP gateway: %w", ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("search for a UPnP gateway: %w: %w", gateway.ErrNotFound, err)
	}
	return client, nil
}

func discover(ctx context.Context, cfg Config) (*Client, error) {
	s, err := newSearch(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer s.close()
	problem := error(nil)
	for {
		replies := s.next(ctx)
		if len(replies) == 0 && problem == nil {
			problem = s.silence()
		}
		if len(replies) == 0 {
			return nil, problem
		}
		for _, r := range replies {
			client, err := connect(ctx, cfg, r)
			if err == nil {
				return client, nil
			}
			problem = err
		}
	}
}

// connect reads the description that a reply points to, and makes a client of
// the best connection service in it.
func connect(ctx context.Context, cfg Config, r reply) (*Client, error) {
	w := newWeb(cfg.Local, cfg.Timeout)
	root, local, err := describe(ctx, w, r.location)
	if err != nil {
		return nil, fmt.Errorf("read the description at %s: %w", r.location.Host, err)
	}
	services := connectionServices(root, r.location)
	if len(services) == 0 {
		return nil, fmt.Errorf("the device at %s offers no port mappings", r.from)
	}
	c := &Client{web: w, services: services, device: device(root, r.from), local: local}
	if len(services) > 1 {
		c.rank(ctx)
	}
	return c, nil
}
