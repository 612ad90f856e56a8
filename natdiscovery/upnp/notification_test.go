package upnp

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

// event is an event as a gateway sends it.
func event(id, body string) string {
	return fmt.Sprintf("NOTIFY / HTTP/1.1\r\nHOST: 192.168.77.10:40000\r\nNT: upnp:event\r\nNTS: upnp:propchange\r\n"+
		"SID: %s\r\nSEQ: 0\r\nContent-Length: %d\r\n\r\n%s", id, len(body), body)
}

// says is a property set.
func says(pairs ...string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">`)
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<e:property><%s>%s</%s></e:property>", pairs[i], pairs[i+1], pairs[i])
	}
	return b.String() + "</e:propertyset>"
}

// newCallback takes events of the subscription "ours", after a first one.
func newCallback() *callback {
	c := &callback{gateway: netip.MustParseAddr("192.168.77.1"), subscription: &subscription{id: "ours"}, seen: map[string]string{}}
	c.changes(map[string]string{"ExternalIPAddress": "11.22.0.2", "ConnectionStatus": "Connected", "PortMappingNumberOfEntries": "3"})
	return c
}

func TestEventIsAReasonToAsk(t *testing.T) {
	for _, c := range []struct {
		name, request string
		want          []gateway.Reason
		status        int
	}{
		{"another address", event("ours", says("ExternalIPAddress", "11.22.0.3")), []gateway.Reason{gateway.AddressChanged}, 200},
		{"no address", event("ours", says("ExternalIPAddress", "")), []gateway.Reason{gateway.AddressChanged}, 200},
		{"another status", event("ours", says("ConnectionStatus", "Disconnected")), []gateway.Reason{gateway.AddressChanged}, 200},
		{"another number of mappings", event("ours", says("PortMappingNumberOfEntries", "4")), []gateway.Reason{gateway.MappingsChanged}, 200},
		{"another address and another status", event("ours", says("ExternalIPAddress", "", "ConnectionStatus", "Disconnected")),
			[]gateway.Reason{gateway.AddressChanged}, 200},
		{"what is known", event("ours", says("ExternalIPAddress", " 11.22.0.2\n")), nil, 200},
		{"what nobody asked for", event("ours", says("SystemUpdateID", "7", "X_Uptime", "8")), nil, 200},
		{"no name space", event("ours", "<propertyset><property><ExternalIPAddress>11.22.0.3</ExternalIPAddress></property></propertyset>"),
			[]gateway.Reason{gateway.AddressChanged}, 200},
		{"no property set", event("ours", "<html/>"), nil, 200},
		{"no XML", event("ours", "\x00\xff"), []gateway.Reason{gateway.AddressChanged}, 200},
		{"no length", strings.Replace(event("ours", says("ConnectionStatus", "x")), "Content-Length", "X", 1),
			[]gateway.Reason{gateway.AddressChanged}, 200},
		{"nested without end", event("ours", strings.Repeat("<a>", 20000)), []gateway.Reason{gateway.AddressChanged}, 200},
		{"too long", event("ours", strings.Repeat(" ", maxAnswer)), nil, 400},
		{"half of it", event("ours", says("ConnectionStatus", "x"))[:150], nil, 400},
		{"of another subscription", event("theirs", says("ExternalIPAddress", "11.22.0.3")), nil, 412},
		{"of no subscription", event("", says("ExternalIPAddress", "11.22.0.3")), nil, 412},
		{"another method", strings.Replace(event("ours", ""), "NOTIFY", "POST", 1), nil, 405},
		{"no HTTP", "hello\r\n\r\n", nil, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, status := newCallback().read(strings.NewReader(c.request))
			if !slices.Equal(got, c.want) || status != c.status {
				t.Errorf("got %q and status %d, want %q and %d", got, status, c.want, c.status)
			}
		})
	}
}

func TestEventIsHeardOnce(t *testing.T) {
	c := newCallback()
	for _, want := range []int{1, 0} {
		if got, _ := c.read(strings.NewReader(event("ours", says("ExternalIPAddress", "11.22.0.3")))); len(got) != want {
			t.Errorf("got %d reasons, want %d", len(got), want)
		}
	}
}

// knocks is a listener at which somebody knocks all the time.
type knocks struct {
	from  string
	sends string
	count int
	said  strings.Builder // to the last one
}

func (k *knocks) Accept() (net.Conn, error) {
	k.count++
	k.said.Reset()
	return &knock{cannedConn{Reader: strings.NewReader(k.sends)}, k}, nil
}
func (k *knocks) Close() error   { return nil }
func (k *knocks) Addr() net.Addr { return nil }

type knock struct {
	cannedConn
	knocks *knocks
}

func (k *knock) Write(b []byte) (int, error)   { return k.knocks.said.Write(b) }
func (k *knock) SetDeadline(t time.Time) error { return nil }
func (k *knock) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(k.knocks.from), 5))
}

func TestEventsComeFromTheGatewayAndNotTooMany(t *testing.T) {
	const during = 10 * time.Second
	for _, c := range []struct {
		name, from, answer string
		reports            int
	}{
		{"the gateway", "192.168.77.1", "HTTP/1.1 200 OK\r\n", 1},
		{"a neighbour", "192.168.77.20", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), during)
				defer cancel()
				k := &knocks{from: c.from, sends: event("ours", says("ExternalIPAddress", "11.22.0.3"))}
				cb := newCallback()
				cb.listener = k
				reports := 0
				cb.serve(ctx, func(gateway.Reason) { reports++ })
				if reports != c.reports || !strings.HasPrefix(k.said.String(), c.answer) || (c.answer == "") != (k.said.Len() == 0) {
					t.Errorf("%d reports, answered %q; want %d and %q", reports, k.said.String(), c.reports, c.answer)
				}
				if most := burst + perSecond*int(during/time.Second) + 1; k.count > most || k.count < most/2 {
					t.Errorf("%d connections were taken in %v, want at most %d", k.count, during, most)
				}
			})
		})
	}
}

// FuzzEvent feeds bytes as an event: it may be a reason to ask, and nothing else.
func FuzzEvent(f *testing.F) {
	f.Add(event("ours", says("ExternalIPAddress", "11.22.0.3", "PortMappingNumberOfEntries", "4")))
	f.Add(event("ours", says("ConnectionStatus", "&bad; <![CDATA[x]]>")))
	f.Add("NOTIFY / HTTP/1.1\r\nSID: ours\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n")
	f.Fuzz(func(t *testing.T, request string) {
		c := newCallback()
		reasons, status := c.read(io.LimitReader(strings.NewReader(request), 1<<20))
		if len(reasons) > len(watched) || len(c.seen) > len(watched) {
			t.Errorf("%d reasons, %d variables remembered, want at most %d", len(reasons), len(c.seen), len(watched))
		}
		if len(reasons) > 0 && (status != 200 || !strings.Contains(request, "ours")) {
			t.Errorf("%q is heard, with status %d", request, status)
		}
	})
}
