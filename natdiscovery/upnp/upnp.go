// Package upnp asks a home router for port mappings by UPnP's Internet Gateway
// Device, versions 1 and 2, over IPv4: it finds the router by SSDP, reads its device
// description, and speaks SOAP to its WANIPConnection or WANPPPConnection. Over
// IPv6 it opens pinholes by WANIPv6FirewallControl. It also listens to what the
// router announces by SSDP and by events (GENA).
//
// Whatever arrives from the network is believed only from a neighbour, is
// bounded in size and time, and can't send us to another host: every request
// goes to the address that answered the search. The package keeps no timer, no
// lease and no goroutine between calls. It knows nothing of the loop that calls
// it, of other methods, and of FTP.
//
// Sections are those of the UPnP Device Architecture 1.1 (UDA), of
// WANIPConnection:2 (WANIPC) and of WANIPv6FirewallControl:1 (WANIPv6FC), all by
// the UPnP Forum.
package upnp

import (
	"context"
	"fmt"
	"net"
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
	// Search6 is where to send searches for the IPv6 firewall. Empty: to port
	// 1900 of SSDP's multicast groups on the link of the address concerned.
	Search6 []netip.AddrPort
	// Wait is how long to wait for the first answer. Zero: 3 s.
	Wait time.Duration
	// Timeout is the longest that one request to the gateway may take. Zero:
	// 5 s, since weak routers need seconds to change their rules.
	Timeout time.Duration
	// Announcements opens a socket that gets what is sent to SSDP's multicast
	// group in the LAN of the address. Nil: it is the system's.
	Announcements func(local netip.Addr) (*net.UDPConn, error)
}

const (
	defaultWait    = 3 * time.Second
	defaultTimeout = 5 * time.Second
)

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
	if c.Announcements == nil {
		c.Announcements = func(local netip.Addr) (*net.UDPConn, error) {
			return listenGroup(local, netip.AddrPortFrom(group, ssdpPort))
		}
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
		if lan.Contains(addr.WithZone("")) {
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
	var client *Client
	err := find(ctx, cfg, targets, func(ctx context.Context, r reply) (err error) {
		client, err = connect(ctx, cfg, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search for a UPnP gateway: %w", err)
	}
	return client, nil
}

// find searches for targets and tries the answers until one is taken.
func find(ctx context.Context, cfg Config, targets []string, try func(context.Context, reply) error) error {
	limited, cancel := context.WithTimeout(ctx, cfg.Wait+cfg.Timeout)
	defer cancel()
	err := tryAnswers(limited, cfg, targets, try)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %w", gateway.ErrNotFound, err)
	}
	return nil
}

func tryAnswers(ctx context.Context, cfg Config, targets []string, try func(context.Context, reply) error) error {
	s, err := newSearch(ctx, cfg, targets)
	if err != nil {
		return err
	}
	defer s.close()
	problem := error(nil)
	for {
		replies := s.next(ctx)
		if len(replies) == 0 && problem == nil {
			problem = s.silence()
		}
		if len(replies) == 0 {
			return problem
		}
		for _, r := range replies {
			if problem = try(ctx, r); problem == nil {
				return nil
			}
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
	connections := services(root, r.location, connectionTypes)
	if len(connections) == 0 {
		return nil, fmt.Errorf("the device at %s offers no port mappings", r.from)
	}
	c := &Client{
		cfg: cfg, web: w, services: connections, device: device(root, r.from), local: local,
		firewalls: services(root, r.location, firewallTypes),
	}
	if len(connections) > 1 {
		c.rank(ctx)
	}
	c.home = home{reply: r, local: local, names: names(root), events: c.services[0].events}
	return c, nil
}
