package status

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"natftpd/driver"
	"natftpd/natdiscovery"
	"natftpd/natdiscovery/gateway"
	"natftpd/server/control"
)

// then is a time that tests show.
var then = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// flow is a transfer's bytes, moved by hand.
type flow struct{ sent, received atomic.Int64 }

func (f *flow) Sent() int64     { return f.sent.Load() }
func (f *flow) Received() int64 { return f.received.Load() }

// ended counts how often its session was ended.
type ended struct{ times atomic.Int32 }

func (e *ended) Drain() {}
func (e *ended) Kill()  { e.times.Add(1) }

// config is that of a server in good order, without sessions.
func config(t testing.TB) Config {
	t.Helper()
	bans, err := driver.NewBans(driver.BanConfig{Failures: 1, First: time.Hour, Longest: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	st := reachable()
	never := make(chan struct{})
	return Config{
		Log:      slog.New(slog.DiscardHandler),
		Version:  "natftpd v1.0.0",
		Sessions: driver.NewSessions(driver.Limits{}),
		Bans:     bans,
		Counters: new(control.Counters),
		Status:   func() *natdiscovery.Status { return st },
		Changed:  func() <-chan struct{} { return never },
		Awaited:  func() map[uint16]int { return map[uint16]int{} },
		Timeline: NewTimeline(),
	}
}

func newServer(t testing.TB, cfg Config) *Server {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// enter lets somebody in; user "" is not logged in.
func enter(t testing.TB, sessions *driver.Sessions, client, user string) (*driver.Session, *ended) {
	t.Helper()
	e := new(ended)
	s, err := sessions.Enter(netip.MustParseAddr(client), e)
	if err == nil && user != "" {
		err = s.SetUser(user)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, e
}

// reachable is a Status with nothing wrong.
func reachable() *natdiscovery.Status {
	st := &natdiscovery.Status{
		External: netip.MustParseAddr("203.0.113.57"), Source: natdiscovery.SourceGateway,
		Learnt: then, Confirmed: then,
		Network: natdiscovery.Network{
			Interface: "eth0", Local: netip.MustParseAddr("192.168.1.10"), Router: netip.MustParseAddr("192.168.1.1"),
			LANs: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")},
		},
		Gateway: &natdiscovery.GatewayStatus{
			Device: gateway.Device{Address: netip.MustParseAddr("192.168.1.1"), Model: "AVM FRITZ!Box 7590", Service: "WANIPConnection:2"},
			Method: gateway.UPnP, External: netip.MustParseAddr("203.0.113.57"), Seen: then,
		},
		Reflexive: netip.MustParseAddr("203.0.113.57"), ReflexiveSeen: then,
		Verdict: natdiscovery.Reachable,
		Control: natdiscovery.Port{Internal: 2121, External: 2121, State: natdiscovery.PortVerified, Expires: then.Add(time.Hour)},
	}
	for p := uint16(50000); p < 50010; p++ {
		st.Passive = append(st.Passive, natdiscovery.Port{Internal: p, External: p, State: natdiscovery.PortVerified, Expires: then.Add(time.Hour)})
	}
	return st
}

// carrierNAT is a Status of somebody whom nobody can reach.
func carrierNAT() *natdiscovery.Status {
	st := reachable()
	st.Verdict = natdiscovery.CarrierNAT
	st.Advice = "ask the provider for a public IPv4 address: it shares one among customers (the router's own is 100.72.14.3), and no setting of the router lets anybody in"
	st.Gateway.External = netip.MustParseAddr("100.72.14.3")
	st.Source = natdiscovery.SourceSTUN
	st.Hops = []netip.Addr{netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("100.64.0.1")}
	return st
}

// byHand is a Status of somebody who forwarded the ports himself, or has yet to.
func byHand() *natdiscovery.Status {
	st := reachable()
	st.Verdict, st.Source, st.Gateway = natdiscovery.ForwardedByHand, natdiscovery.SourceSTUN, nil
	st.Advice = "switch on UPnP on the router 192.168.1.1, or forward TCP 2121, 50000-50009 to 192.168.1.10 unless that is done"
	st.Control.State = natdiscovery.PortByHand
	for i := range st.Passive {
		st.Passive[i].State = natdiscovery.PortByHand
	}
	st.Passive[7].State, st.Passive[7].Problem = natdiscovery.PortTaken, "the router says that 192.168.1.30 has it"
	return st
}
