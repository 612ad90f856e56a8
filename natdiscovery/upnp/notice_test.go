package upnp

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

const igd1 = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"

var router = netip.MustParseAddr("192.168.77.1")

// hearingOf is of a router that is known since a search.
func hearingOf() *hearing {
	return newHearing(home{names: []string{"uuid:box", "uuid:part"}, reply: reply{from: router, usn: "uuid:box::" + igd1, boot: "7",
		location: &url.URL{Scheme: "http", Host: "192.168.77.1:5000", Path: "/a.xml"}}})
}

// announcement is a NOTIFY; each pair is a line of the header.
func announcement(kind, usn string, lines ...string) string {
	_, target, _ := strings.Cut(usn, "::")
	s := "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: " + kind + "\r\nNT: " + target + "\r\nUSN: " + usn + "\r\n"
	for _, line := range lines {
		s += line + "\r\n"
	}
	return s + "\r\n"
}

func TestAnnouncementIsAReasonToAsk(t *testing.T) {
	const usn, at = "uuid:box::" + igd1, "LOCATION: http://192.168.77.1:5000/a.xml"
	alive := func(lines ...string) string { return announcement("ssdp:alive", usn, lines...) }
	for _, c := range []struct {
		name  string
		heard []string
		want  []gateway.Reason // of each; "" is none
	}{
		{"nothing new", []string{alive(at, "BOOTID.UPNP.ORG: 7")}, []gateway.Reason{""}},
		{"nothing new, in other words", []string{strings.ToLower(alive("location:http://192.168.77.1:5000/a.xml"))}, []gateway.Reason{""}},
		{"another boot id, told often", []string{alive(at, "BOOTID.UPNP.ORG: 8"), alive(at, "BOOTID.UPNP.ORG: 8")},
			[]gateway.Reason{gateway.Restarted, ""}},
		{"another boot id, told of another service of the device",
			[]string{announcement("ssdp:alive", "uuid:box::upnp:rootdevice", "BOOTID.UPNP.ORG: 8")}, []gateway.Reason{gateway.Restarted}},
		{"another location", []string{alive("LOCATION: http://192.168.77.1:5001/a.xml")}, []gateway.Reason{gateway.Restarted}},
		{"a location on another host is the same", []string{alive("LOCATION: http://198.51.100.7:5000/a.xml")}, []gateway.Reason{""}},
		{"several descriptions", []string{
			announcement("ssdp:alive", "uuid:box::upnp:rootdevice", "LOCATION: http://192.168.77.1:5000/b.xml"), alive(at),
			announcement("ssdp:alive", "uuid:box::upnp:rootdevice", "LOCATION: http://192.168.77.1:5000/b.xml"), alive(at),
		}, []gateway.Reason{"", "", "", ""}},
		{"goodbye, once", []string{announcement("ssdp:byebye", usn), announcement("ssdp:byebye", usn), alive(at)},
			[]gateway.Reason{gateway.Gone, "", gateway.Restarted}},
		{"goodbye, of each of its parts", []string{announcement("ssdp:byebye", "uuid:PART::urn:x"), announcement("ssdp:byebye", usn)},
			[]gateway.Reason{gateway.Gone, ""}},
		{"goodbye of a name that changed with the restart", []string{announcement("ssdp:byebye", "uuid:new::"+igd1)}, []gateway.Reason{gateway.Gone}},
		{"goodbye of the media server in the router", []string{announcement("ssdp:byebye", "uuid:music::urn:schemas-upnp-org:device:MediaServer:1")},
			[]gateway.Reason{""}},
		{"an update, and the boot id that it announced", []string{
			announcement("ssdp:update", usn, "BOOTID.UPNP.ORG: 7", "NEXTBOOTID.UPNP.ORG: 8"), alive(at, "BOOTID.UPNP.ORG: 8")},
			[]gateway.Reason{gateway.AddressChanged, ""}},
		{"an update of nothing", []string{announcement("ssdp:update", usn)}, []gateway.Reason{""}},
		{"a word that nobody knows", []string{announcement("ssdp:hello", usn)}, []gateway.Reason{""}},
		{"a search", []string{"M-SEARCH * HTTP/1.1\r\n\r\n"}, []gateway.Reason{""}},
		{"nothing", []string{""}, []gateway.Reason{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := hearingOf()
			for i, text := range c.heard {
				got := gateway.Reason("")
				if n, err := parseNotice([]byte(text), router); err == nil {
					if r, ok := h.reason(n); ok {
						got = r
					}
				}
				if got != c.want[i] {
					t.Errorf("announcement %d gives the reason %q, want %q", i, got, c.want[i])
				}
			}
		})
	}
}

// flood is a socket on which there is always another announcement.
type flood struct {
	from  netip.Addr
	count int
}

func (f *flood) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	f.count++
	text := announcement("ssdp:alive", "uuid:box::"+igd1, fmt.Sprintf("BOOTID.UPNP.ORG: %d", f.count))
	return copy(b, text), netip.AddrPortFrom(f.from, 1900), nil
}

func TestFloodOfAnnouncementsCostsLittle(t *testing.T) {
	const during = 10 * time.Second
	for name, from := range map[string]netip.Addr{"the gateway": router, "a neighbour": netip.MustParseAddr("192.168.77.20")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), during)
				defer cancel()
				f, reports := &flood{from: from}, 0
				hearingOf().listen(ctx, f, func(gateway.Reason) { reports++ })
				if most := burst + perSecond*int(during/time.Second) + 1; f.count > most || f.count < most/2 {
					t.Errorf("%d announcements were read in %v, want at most %d", f.count, during, most)
				}
				if (reports > 0) != (from == router) {
					t.Errorf("%d reports of announcements from %s", reports, from)
				}
			})
		})
	}
}

// FuzzNotice feeds bytes as announcements of one router.
func FuzzNotice(f *testing.F) {
	f.Add(announcement("ssdp:alive", "uuid:box::"+igd1, "LOCATION: http://192.168.77.1:5001/", "BOOTID.UPNP.ORG: 8"))
	f.Add(announcement("ssdp:byebye", "uuid:box::"+igd1))
	f.Add(announcement("ssdp:update", "uuid:box", "NEXTBOOTID.UPNP.ORG: 8"))
	f.Add("NOTIFY *\nNTS:ssdp:alive\nNT:" + igd1 + "\nLOCATION:http://[::1%25lo]:80//x?y#z")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseNotice([]byte(text), router)
		if err != nil {
			return
		}
		if n.location != "" {
			if u, err := url.Parse(n.location); err != nil || u.Hostname() != router.String() || u.Scheme != "http" {
				t.Errorf("%q leads away from %s", n.location, router)
			}
		}
		h := hearingOf()
		if _, ok := h.reason(n); ok && n.kind != "ssdp:alive" && n.kind != "ssdp:byebye" && n.kind != "ssdp:update" {
			t.Errorf("%q is a reason to ask", text)
		}
		if _, ok := h.reason(n); ok {
			t.Errorf("%q is a reason to ask, twice", text)
		}
	})
}

func TestHearingForgetsWhatIsTooMuch(t *testing.T) {
	h := hearingOf()
	for i := range 10 * maxRemembered {
		usn := fmt.Sprintf("uuid:%d::%s", i, igd1)
		h.reason(notice{kind: "ssdp:alive", usn: usn, target: igd1, location: usn, boot: "1"})
		h.reason(notice{kind: "ssdp:byebye", usn: usn, target: igd1})
	}
	for what, n := range map[string]int{"boots": len(h.boots), "locations": len(h.locations), "left": len(h.left)} {
		if n > maxRemembered {
			t.Errorf("%d %s are remembered, want at most %d", n, what, maxRemembered)
		}
	}
}
