package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"natftpd/natdiscovery"
	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/stun"
)

var update = flag.Bool("update", false, "write what the doctor says into testdata")

var (
	wan   = netip.MustParseAddr("203.0.113.5")
	local = netip.MustParseAddr("192.168.77.10")
)

// home is a look at a home where all is well; change makes it another one.
func home(change func(*natdiscovery.Look)) natdiscovery.Look {
	look := natdiscovery.Look{
		Status: natdiscovery.Status{
			External: wan, Source: natdiscovery.SourceGateway, Verdict: natdiscovery.Reachable,
			Network: natdiscovery.Network{Interface: "eth0", Local: local, Router: netip.MustParseAddr("192.168.77.1"),
				LANs: []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24"), netip.MustParsePrefix("fe80::/10")}},
			Gateway: &natdiscovery.GatewayStatus{Method: gateway.UPnP, External: wan, Seen: time.Now(),
				Device: gateway.Device{Address: netip.MustParseAddr("192.168.77.1"), Model: "AVM FRITZ!Box 7590", Service: "WANIPConnection:1"}},
			Control: natdiscovery.Port{Internal: 2121, External: 2121, State: natdiscovery.PortVerified},
		},
		STUN: []stun.Answer{
			{Server: "stun.one.example:3478", Reflexive: netip.AddrPortFrom(wan, 40000), RTT: 12 * time.Millisecond},
			{Server: "stun.two.example:3478", Reflexive: netip.AddrPortFrom(wan, 40001), RTT: 31 * time.Millisecond},
			{Server: "stun.three.example:3478", Err: errors.New("ask STUN server stun.three.example:3478: no answer within 3s")},
		},
	}
	for p := uint16(50000); p < 50010; p++ {
		look.Status.Passive = append(look.Status.Passive, natdiscovery.Port{Internal: p, External: p, State: natdiscovery.PortVerified})
	}
	look.Status.PathMTU, look.Status.Hairpin = 1492, natdiscovery.HairpinYes
	look.Status.UDPMapping, look.Status.UDPPortPreserved = stun.EndpointIndependent, true
	look.Status.Methods = []natdiscovery.MethodStatus{{Method: gateway.UPnP}}
	if change != nil {
		change(&look)
	}
	return look
}

// all puts every port into a state.
func all(st *natdiscovery.Status, state natdiscovery.PortState, problem string) {
	for _, p := range append([]*natdiscovery.Port{&st.Control}, pointers(st.Passive)...) {
		p.State, p.Problem = state, problem
	}
}

func pointers(ports []natdiscovery.Port) []*natdiscovery.Port {
	var list []*natdiscovery.Port
	for i := range ports {
		list = append(list, &ports[i])
	}
	return list
}

// passes makes these the routers on the way to the internet; "" is a silent one.
func passes(l *natdiscovery.Look, hops ...string) {
	for _, h := range hops {
		addr, _ := netip.ParseAddr(h)
		l.Status.Hops = append(l.Status.Hops, addr)
	}
	l.Status.HopsSeen, l.Status.Hairpin = time.Now(), natdiscovery.HairpinUnknown // nobody comes in
}

// looks are one for each verdict, and a few more.
func looks() map[string]natdiscovery.Look {
	noGateway := func(l *natdiscovery.Look) {
		l.Status.Gateway, l.Search = nil, gateway.ErrNotFound
		l.Status.PathMTU, l.Status.Hairpin, l.Status.UDPMapping = 0, natdiscovery.HairpinUnknown, stun.Unknown
		all(&l.Status, natdiscovery.PortByHand, "")
	}
	return map[string]natdiscovery.Look{
		"reachable":       home(nil),
		"reachable_tried": home(func(l *natdiscovery.Look) { l.Tried = true }),
		"reachable_ipv6": home(func(l *natdiscovery.Look) {
			for _, port := range []uint16{2121, 50000, 50001} {
				l.Status.Pinholes = append(l.Status.Pinholes, natdiscovery.Pinhole{
					Internal: netip.AddrPortFrom(netip.MustParseAddr("2001:db8:77::10"), port), State: natdiscovery.PortVerified})
			}
			l.Status.Pinholes[2].State, l.Status.Pinholes[2].Problem = natdiscovery.PortRefused, "AddPinhole 50001: 606 action not authorized"
		}),
		"reachable_port21": home(func(l *natdiscovery.Look) { l.Status.Control.External = 21 }),
		"forwarded_by_hand": home(func(l *natdiscovery.Look) {
			noGateway(l)
			l.Status.Verdict, l.Status.Source = natdiscovery.ForwardedByHand, natdiscovery.SourceSTUN
			l.Status.Advice = "switch on UPnP on the router 192.168.77.1, or forward TCP 2121 and 50000-50009 on the router 192.168.77.1 to 192.168.77.10 unless that is done"
		}),
		"no_gateway": home(func(l *natdiscovery.Look) {
			noGateway(l)
			l.Status.Verdict, l.Status.External, l.Status.Source = natdiscovery.NoGateway, netip.Addr{}, natdiscovery.SourceNone
			l.STUN = nil
			l.Status.Advice = "check the network: neither a router nor a STUN server answers, so only the LAN is served"
		}),
		"gateway_refuses": home(func(l *natdiscovery.Look) {
			l.Status.Verdict = natdiscovery.GatewayRefuses
			all(&l.Status, natdiscovery.PortRefused, "AddPortMapping 2121: 606 action not authorized")
			l.Status.Advice = "allow port mapping for this host on the router 192.168.77.1"
		}),
		"port_taken": home(func(l *natdiscovery.Look) {
			l.Status.Verdict = natdiscovery.PortTakenByHost
			l.Status.Control.State = natdiscovery.PortTaken
			l.Status.Control.Problem = "192.168.77.33 has it"
			l.Status.Advice = "choose other ports (ftp.listen, ftp.passive_ports), or remove the mapping of TCP 2121 to another host on the router 192.168.77.1"
		}),
		"double_nat": home(func(l *natdiscovery.Look) {
			l.Status.Verdict, l.Status.Source = natdiscovery.DoubleNAT, natdiscovery.SourceSTUN
			l.Status.Gateway.External = netip.MustParseAddr("192.168.1.3")
			passes(l, "192.168.77.1", "192.168.1.1", "203.0.113.254")
			l.Status.Advice = "the router 192.168.77.1 stands behind another one, 192.168.1.1 (the router's external address is 192.168.1.3): set that one to bridge mode, or forward TCP 2121 and 50000-50009 on it to 192.168.1.3 as well"
		}),
		"double_nat_unknown": home(func(l *natdiscovery.Look) {
			l.Status.Verdict, l.Status.Source = natdiscovery.DoubleNAT, natdiscovery.SourceSTUN
			l.Status.Gateway.External = netip.Addr{}
			all(&l.Status, natdiscovery.PortRefused, "AddPortMapping 2121: 501 action failed")
			passes(l, "192.168.77.1")
			l.Status.Advice = "the router 192.168.77.1 stands behind another one: set that one to bridge mode, or forward TCP 2121 and 50000-50009 on it as well; if it is the provider's, ask for a public IPv4 address"
		}),
		"carrier_nat": home(func(l *natdiscovery.Look) {
			l.Status.Verdict, l.Status.Source = natdiscovery.CarrierNAT, natdiscovery.SourceSTUN
			l.Status.Gateway.External = netip.Addr{}
			all(&l.Status, natdiscovery.PortRefused, "AddPortMapping 2121: 501 action failed")
			passes(l, "192.168.77.1", "100.64.0.1", "")
			l.Status.Advice = "ask the provider for a public IPv4 address: it shares one among customers (the next router is 100.64.0.1), and no setting of the router lets anybody in"
		}),
		"address_unknown": home(func(l *natdiscovery.Look) {
			l.Status.Verdict, l.Status.External, l.Status.Source = natdiscovery.AddressUnknown, netip.Addr{}, natdiscovery.SourceNone
			l.Status.Gateway.External = netip.Addr{}
			l.STUN = nil
			l.Status.Advice = "set nat.external_address: the router 192.168.77.1 does not tell its external address, nor do STUN servers agree on one"
		}),
	}
}

func TestTheDoctorsScreen(t *testing.T) {
	for name, look := range looks() {
		t.Run(name, func(t *testing.T) {
			cfg := natdiscovery.Config{Methods: []gateway.Method{gateway.UPnP}}
			got := newReport(look, cfg, !look.Tried).text()
			file := filepath.Join("testdata", "doctor", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if first, _, _ := strings.Cut(got, "\n"); !strings.HasPrefix(first, string(look.Status.Verdict)) {
				t.Errorf("the first line %q is not the verdict", first)
			}
			lines := strings.Split(got, "\n")
			if len(lines) > 40 {
				t.Errorf("%d lines are more than a screen", len(lines))
			}
			for _, l := range lines {
				if n := utf8.RuneCountInString(l); n > columns {
					t.Errorf("%d columns are more than %d: %q", n, columns, l)
				}
			}
		})
	}
}

func TestTheDoctorsJSONKeepsItsNames(t *testing.T) {
	var out bytes.Buffer
	if err := writeJSON(&out, newReport(home(nil), natdiscovery.Config{}, true)); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version", "verdict", "advice", "reachable", "server", "address", "external_address", "source",
		"serving", "port_mapping", "host", "gateway", "methods", "stun", "uplink", "way", "ports", "pinholes", "rules", "tried", "seconds"} {
		if _, ok := got[name]; !ok {
			t.Errorf("%q is missing", name)
		}
	}
	if got["verdict"] != "reachable" || got["reachable"] != true || got["address"] != "ftp://203.0.113.5:2121" {
		t.Errorf("got %v, %v, %v", got["verdict"], got["reachable"], got["address"])
	}
}

// What a full server says is no greeting, and its ports on the router are its own all
// the same.
func TestTheDoctorKnowsAServerThatTakesNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "421 Too many sessions. Try again later.\r\n")
			conn.Close()
		}
	}()
	p := &program{out: t.Output(), environ: []string{"HOME=" + t.TempDir(), "NATFTPD_FTP_LISTEN=" + listener.Addr().String(),
		"NATFTPD_NAT_PORT_MAPPING=off", "NATFTPD_NAT_STUN_SERVERS="}}
	for _, serving := range []bool{true, false} {
		if !serving {
			listener.Close()
		}
		if r, err := p.examine(t.Context()); err != nil || r.Serving != serving {
			t.Errorf("serving: got %v (%v), want %v", r.Serving, err, serving)
		}
		if err := p.healthcheck(t.Context()); (err == nil) != serving {
			t.Errorf("healthcheck, serving %v: got %v", serving, err)
		}
	}
}
