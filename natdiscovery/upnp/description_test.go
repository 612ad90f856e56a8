package upnp

import (
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var location = &url.URL{Scheme: "http", Host: "192.168.77.1:5000", Path: "/igd/rootDesc.xml"}

func TestPin(t *testing.T) {
	const base = "http://192.168.77.1:5000"
	for _, c := range []struct {
		name, text, want string // "": not usable
	}{
		{"a path", "/ctl/IPConn", base + "/ctl/IPConn"},
		{"a path without the leading slash", "ctl/IPConn", base + "/ctl/IPConn"},
		{"a path with a query and white space", " /ctl?a=b\n", base + "/ctl?a=b"},
		{"a colon in the path", "ctl/urn:x", base + "/ctl/urn:x"},
		{"absolute on the same port", base + "/ctl", base + "/ctl"},
		{"absolute on another port", "http://192.168.77.1:49152/ctl", "http://192.168.77.1:49152/ctl"},
		{"absolute without a port", "http://192.168.77.1/ctl", base + "/ctl"},
		{"absolute on port zero", "http://192.168.77.1:0/ctl", base + "/ctl"},
		{"absolute on another host", "http://198.51.100.7:49152/ctl", base + "/ctl"},
		{"absolute by name", "http://fritz.box:49000/ctl", base + "/ctl"},
		{"a path that begins like a host", "//198.51.100.7/ctl", ""},
		{"https", "https://192.168.77.1/ctl", ""},
		{"a file", "file:///ctl", ""},
		{"empty", "  ", ""},
		{"no URL", "http://%zz/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if u, ok := pin(location, c.text); ok {
				got = u.String()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// withService is a description with one connection service.
func withService(urlBase string) string {
	return "<root><URLBase>" + urlBase + "</URLBase><specVersion><major>1</specVersion><device><serviceList><service>" +
		"<serviceType> urn:schemas-upnp-org:service:WANIPConnection:1\n</serviceType><controlURL>ctl</controlURL></service></serviceList></device></root>"
}

func TestURLBaseGivesAPortOfTheSameHost(t *testing.T) {
	for base, want := range map[string]string{
		"":                           "http://192.168.77.1:5000/ctl",
		"http://192.168.77.1:49000/": "http://192.168.77.1:49000/ctl",
		"http://192.168.77.1/igd/":   "http://192.168.77.1:5000/ctl",
		"http://198.51.100.7:49000/": "http://192.168.77.1:5000/ctl",
		"not a URL":                  "http://192.168.77.1:5000/ctl",
	} {
		t.Run(base, func(t *testing.T) {
			root, err := parseDescription([]byte(withService(base)))
			if err != nil {
				t.Fatal(err)
			}
			services := services(root, location, connectionTypes)
			if len(services) != 1 || services[0].control.String() != want {
				t.Errorf("got services %v, want one at %s", services, want)
			}
		})
	}
}

func TestDescriptionsOfRealRouters(t *testing.T) {
	for file, want := range map[string]struct{ kind, control, model string }{
		"miniupnpd-2.3.1-v1.xml": {"WANIPConnection:1", "http://192.168.77.1:5000/ctl/IPConn", "Debian router 1"},
		"miniupnpd-2.3.1-v2.xml": {"WANIPConnection:2", "http://192.168.77.1:5000/ctl/IPConn", "Debian router 1"},
	} {
		t.Run(file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			root, err := parseDescription(tidy(b))
			if err != nil {
				t.Fatal(err)
			}
			services := services(root, location, connectionTypes)
			if len(services) != 1 || services[0].kind() != want.kind || services[0].control.String() != want.control {
				t.Errorf("got services %v, want %s at %s", services, want.kind, want.control)
			}
			if got := device(root, netip.MustParseAddr("192.168.77.1")); got.Model != want.model || !strings.HasPrefix(got.ID, "uuid:") {
				t.Errorf("got device %+v, want model %q and a UDN", got, want.model)
			}
		})
	}
}

// FuzzDescription feeds bytes as a device description: no control URL may leave
// the host that it came from.
func FuzzDescription(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no descriptions to begin with: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(withService("http://10.0.0.1:1/")))
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := parseDescription(tidy(b))
		if err != nil {
			return
		}
		services := services(root, location, connectionTypes)
		if len(services) > maxServices {
			t.Errorf("%d services, want at most %d", len(services), maxServices)
		}
		for _, s := range services {
			for _, u := range []*url.URL{s.control, s.events} {
				if u == nil {
					continue // no events
				}
				if host, err := netip.ParseAddrPort(u.Host); err != nil || host.Addr().String() != location.Hostname() {
					t.Errorf("%s leads away from %s", u, location.Host)
				}
			}
		}
	})
}
