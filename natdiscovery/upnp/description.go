package upnp

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/huin/goupnp"

	"natftpd/natdiscovery/gateway"
)

// connectionTypes are the services that map ports, the best first. All have
// the actions that we use, with the same arguments. Routers from before the
// UPnP Forum's standard of 2001 speak for the DSL Forum.
var connectionTypes = []string{
	"urn:schemas-upnp-org:service:WANIPConnection:2",
	"urn:schemas-upnp-org:service:WANIPConnection:1",
	"urn:schemas-upnp-org:service:WANPPPConnection:1",
	"urn:dslforum-org:service:WANIPConnection:1",
	"urn:dslforum-org:service:WANPPPConnection:1",
}

// firewallTypes are the services that open an IPv6 firewall.
var firewallTypes = []string{"urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"}

const (
	maxServices = 8  // services of a kind tried; more is no router
	maxDevices  = 16 // devices of a description whose names are kept
	maxText     = 64 // runes of a text kept for people
)

// service is a service of the gateway.
type service struct {
	urn     string // its type
	control *url.URL
	events  *url.URL // nil: it has none
}

// kind is the type for people, like "WANIPConnection:1".
func (s service) kind() string {
	_, kind, _ := strings.Cut(s.urn, ":service:")
	return kind
}

// describe fetches and reads a device description (UDA 2.3), and says which
// address of ours it was fetched from.
func describe(ctx context.Context, w *web, location *url.URL) (*goupnp.RootDevice, netip.Addr, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location.String(), nil)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	a, err := w.exchange(req)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	if a.status != http.StatusOK {
		return nil, netip.Addr{}, fmt.Errorf("%w: HTTP status %d", gateway.ErrProtocol, a.status)
	}
	root, err := parseDescription(a.body)
	return root, a.local, err
}

func parseDescription(b []byte) (*goupnp.RootDevice, error) {
	root := new(goupnp.RootDevice)
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false // some descriptions leave elements open
	if err := d.Decode(root); err != nil {
		return nil, fmt.Errorf("%w: %s", gateway.ErrProtocol, printable(err.Error()))
	}
	return root, nil
}

// services are the device's services of some types, the best first, wherever in
// its tree they are.
func services(root *goupnp.RootDevice, location *url.URL, types []string) []service {
	base := location
	if u, ok := pin(location, root.URLBaseStr); ok {
		base = u
	}
	var found []service
	root.Device.VisitServices(func(s *goupnp.Service) {
		urn := strings.TrimSpace(s.ServiceType)
		control, pinned := pin(base, s.ControlURL.Str)
		if pinned && slices.Contains(types, urn) && len(found) < maxServices {
			events, _ := pin(base, s.EventSubURL.Str)
			found = append(found, service{urn: urn, control: control, events: events})
		}
	})
	slices.SortStableFunc(found, func(a, b service) int {
		return slices.Index(types, a.urn) - slices.Index(types, b.urn)
	})
	return found
}

// names are the names (UDN, UDA 2.3) of the devices in the tree, in lower case:
// what they announce is told by these from what else lives at their address.
func names(root *goupnp.RootDevice) []string {
	var all []string
	root.Device.VisitDevices(func(d *goupnp.Device) {
		if name := strings.ToLower(strings.TrimSpace(d.UDN)); name != "" && len(all) < maxDevices {
			all = append(all, name)
		}
	})
	return all
}

// pin reads a URL of a description so that it can't leave the host of base: of
// an absolute one only the path counts, and its port if the host is the same.
// A relative one is taken from the root, with or without a leading slash: that
// is how miniupnpc and goupnp read it, whom routers are tested with.
func pin(base *url.URL, text string) (*url.URL, bool) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || text == "" {
		return nil, false
	}
	host := netip.MustParseAddrPort(base.Host)
	switch {
	case !u.IsAbs() && u.Host == "":
		if u, err = url.Parse("/" + strings.TrimLeft(text, "/")); err != nil {
			return nil, false
		}
	case u.Scheme != "http":
		return nil, false
	case u.Hostname() == host.Addr().String():
		if named, err := netip.ParseAddrPort(u.Host); err == nil && named.Port() != 0 {
			host = named
		}
	}
	return onHost(host, u), true
}

// onHost is the path and the query of u on a host.
func onHost(host netip.AddrPort, u *url.URL) *url.URL {
	return &url.URL{Scheme: "http", Host: host.String(), Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
}

// device is what people are told of a gateway.
func device(root *goupnp.RootDevice, address netip.Addr) gateway.Device {
	d := root.Device
	model := d.ModelName + " " + d.ModelNumber
	if !strings.HasPrefix(model, d.Manufacturer) {
		model = d.Manufacturer + " " + model
	}
	return gateway.Device{
		Address: address,
		Model:   printable(model),
		ID:      printable(d.UDN),
	}
}
