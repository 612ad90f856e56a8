package upnp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"natftpd/natdiscovery/gateway"
)

func TestParseReply(t *testing.T) {
	from := netip.MustParseAddr("192.168.77.1")
	for _, c := range []struct {
		name, reply, location string // "": not an answer
	}{
		{"miniupnpd", "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n" +
			"EXT:\r\nLOCATION: http://192.168.77.1:5000/rootDesc.xml\r\n\r\n", "http://192.168.77.1:5000/rootDesc.xml"},
		{"any case, bare line feeds", "HTTP/1.0 200 Fine\nlocation:http://192.168.77.1:1/a?b=c\n", "http://192.168.77.1:1/a?b=c"},
		{"no end", "HTTP/1.1 200 OK\r\nLocation: http://192.168.77.1:1/a", "http://192.168.77.1:1/a"},
		{"no port", "HTTP/1.1 200 OK\r\nLocation: http://192.168.77.1/a\r\n", "http://192.168.77.1:80/a"},
		{"another host is pinned", "HTTP/1.1 200 OK\r\nLocation: http://169.254.169.254:80/latest\r\n", "http://192.168.77.1:80/latest"},
		{"a host name is pinned", "HTTP/1.1 200 OK\r\nLocation: http://localhost:8021/\r\n", "http://192.168.77.1:8021/"},
		{"a user is dropped", "HTTP/1.1 200 OK\r\nLocation: http://u:p@192.168.77.1:1/a\r\n", "http://192.168.77.1:1/a"},
		{"IPv6 is pinned", "HTTP/1.1 200 OK\r\nLocation: http://[fe80::1]:5000/a\r\n", "http://192.168.77.1:5000/a"},
		{"port zero", "HTTP/1.1 200 OK\r\nLocation: http://192.168.77.1:0/a\r\n", ""},
		{"a port too high", "HTTP/1.1 200 OK\r\nLocation: http://192.168.77.1:65536/a\r\n", ""},
		{"https", "HTTP/1.1 200 OK\r\nLocation: https://192.168.77.1/a\r\n", ""},
		{"a file", "HTTP/1.1 200 OK\r\nLocation: file:///etc/passwd\r\n", ""},
		{"no location", "HTTP/1.1 200 OK\r\nST: x\r\n\r\n", ""},
		{"a refusal", "HTTP/1.1 404 Not Found\r\nLocation: http://192.168.77.1:1/a\r\n", ""},
		{"a notification", "NOTIFY * HTTP/1.1\r\nLocation: http://192.168.77.1:1/a\r\n", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if r, err := parseReply([]byte(c.reply), from); err == nil {
				got = r.location.String()
			}
			if got != c.location {
				t.Errorf("got location %q, want %q", got, c.location)
			}
		})
	}
}

func TestLinkLocalRouterIsAskedOnItsLink(t *testing.T) {
	from := netip.MustParseAddr("fe80::1%lan0")
	r, err := parseReply([]byte(at("http://[2001:db8::1]:5000/desc.xml")), from)
	if err != nil {
		t.Fatal(err)
	}
	dialled := ""
	w := &web{timeout: time.Second, dial: func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = address
		return nil, net.ErrClosed
	}}
	if _, _, err := describe(t.Context(), w, r.location); !errors.Is(err, gateway.ErrGone) {
		t.Errorf("got %v, want %v", err, gateway.ErrGone)
	}
	if want := "[fe80::1%lan0]:5000"; dialled != want {
		t.Errorf("dialled %s, want %s", dialled, want)
	}
	if cfg := (Config{LANs: []netip.Prefix{netip.MustParsePrefix("fe80::/10")}}); !cfg.believes(from) {
		t.Errorf("%s is not believed on its own link", from)
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://192.168.77.1:5000/rootDesc.xml\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\nlocation: http://[::1%25lo]:80//x?y#z"))
	f.Add([]byte("HTTP/1.1 200\r\nLOCATION: http://a@b@c:99/%2f"))
	from := netip.MustParseAddr("192.168.77.1")
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseReply(b, from)
		if err != nil {
			return
		}
		if host, err := netip.ParseAddrPort(r.location.Host); err != nil || host.Addr() != from || r.location.Scheme != "http" {
			t.Errorf("%s leads away from %s", r.location, from)
		}
	})
}

func FuzzTexts(f *testing.F) {
	f.Add("Box \x1b[31m\u202e & \xff\n")
	f.Add("\ufeff<?xml version='1.0' encoding='x'?><a>&nbsp;&#0;</a>")
	f.Fuzz(func(t *testing.T, s string) {
		if got := printable(s); !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxText || strings.ContainsAny(got, "\r\n\x1b") {
			t.Errorf("printable(%q) is %q", s, got)
		}
		once := tidy([]byte(s))
		if !utf8.Valid(once) || strings.ContainsRune(string(once), 0) {
			t.Errorf("tidy(%q) is %q", s, once)
		}
	})
}
