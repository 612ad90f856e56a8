package natdiscovery

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"natftpd/natdiscovery/stun"
)

func TestEveryAddressChangeIsNoticedInTime(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	for i, addr := range []netip.Addr{wanB, wanC, wanA} {
		changed := time.Duration(i+1)*2*time.Minute + time.Duration(i)*3*time.Second
		s.until(changed)
		s.router.external, s.reflexive = addr, addr
		clear(s.router.table) // PPP reconnect
		s.until(changed + 15*time.Second)
		s.wants(addr, Reachable, allPassive)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Errorf("after change %d the router lists %q", i, got)
		}
	}
}

func TestAddressChangeLeavesThePortsInUse(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.watch = func(now Status) {
		if len(now.Outside) == 0 {
			t.Errorf("no outside port after %v", s.now.Sub(s.start))
		}
	}
	s.router.external, s.reflexive = wanB, wanB
	s.until(2 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
}

func TestReconnectWithoutAddressInBetween(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.external, s.reflexive = nobody, nobody
	s.until(2 * time.Minute)
	s.wants(wanA, Reachable, allPassive)
	s.router.external, s.reflexive = wanB, wanB
	s.until(2*time.Minute + 15*time.Second)
	s.wants(wanB, Reachable, allPassive)
}

func TestSTUNAlone(t *testing.T) {
	s := newStory(t)
	s.router.off = true
	s.until(4 * time.Second)
	s.wants(wanA, ForwardedByHand, allPassive)
	s.advises("forward TCP 2121 and 50000-50009 on the router 192.168.77.1 to 192.168.77.10")

	s.until(time.Hour)
	s.reflexive = wanB
	s.until(time.Hour + 35*time.Second)
	s.wants(wanB, ForwardedByHand, allPassive)

	s.reflexive = nobody
	s.until(2 * time.Hour)
	s.wants(wanB, ForwardedByHand, allPassive)
}

func TestLostSTUNRoundIsMadeUpForInTime(t *testing.T) {
	lost := -1
	s := newStory(t, func(c *Config) {
		c.Methods = nil
		ask := c.AskSTUN
		c.AskSTUN = func(ctx context.Context) []stun.Answer {
			answers := ask(ctx)
			if lost == 0 {
				answers = agreeing(nobody)
			}
			lost--
			return answers
		}
	})
	s.until(10 * time.Minute)
	last := s.stunAsked[len(s.stunAsked)-1]
	s.reflexive, lost = wanB, 0
	s.until(last + 35*time.Second)
	s.wants(wanB, ForwardedByHand, allPassive)
	if lost >= 0 {
		t.Error("no round was lost")
	}
}

func TestSTUNContradictsTheRouter(t *testing.T) {
	s := newStory(t)
	s.reflexive = wanB
	s.until(3 * time.Second)
	if got := s.status().External; got != wanA {
		t.Errorf("after one contradiction: got %v, want the router's %v", got, wanA)
	}
	s.until(20 * time.Second)
	s.wants(wanB, Reachable, allPassive)
	s.advises("the router tells 11.22.0.2, but the internet sees 11.22.0.3")
	s.reflexive = nobody
	s.until(10 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.router.external = wanC // news, and newer than what STUN said
	s.until(10*time.Minute + 15*time.Second)
	s.wants(wanC, Reachable, allPassive)
}

func TestSTUNThatAnswersNothing(t *testing.T) {
	s := newStory(t)
	s.reflexive = nobody
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
}

func TestDeadRouterDelaysNoSTUN(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.router.off = true
	s.until(90 * time.Second) // found out, by a time-out of 5 s
	s.reflexive = wanB
	s.until(125 * time.Second)
	if got := s.status().External; got != wanB {
		t.Errorf("external: got %v, want %v", got, wanB)
	}
}

func TestHostName(t *testing.T) {
	s := newStory(t, func(c *Config) { c.ExternalHost = "home.example" })
	s.names = []netip.Addr{netip.MustParseAddr("192.168.77.10"), netip.MustParseAddr("::1")}
	s.until(10 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	s.advises("home.example stands for no address that the internet can reach")
	s.names = []netip.Addr{wanB}
	s.until(time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.names = []netip.Addr{wanC, wanB} // the same, turned round
	s.until(3 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.names = nil
	s.until(10 * time.Minute)
	s.wants(wanB, Reachable, allPassive)
	s.names = []netip.Addr{wanC}
	s.until(12 * time.Minute)
	s.wants(wanC, Reachable, allPassive)
}

func TestChoose(t *testing.T) {
	private := netip.MustParseAddr("192.168.1.3")
	tests := []struct {
		name   string
		given  evidence
		want   netip.Addr
		source Source
	}{
		{"nothing is known", evidence{}, nobody, SourceNone},
		{"the operator's word wins", evidence{operator: wanC, name: wanB, gateway: wanA, reflexive: wanA}, wanC, SourceOperator},
		{"the operator's host name comes next", evidence{name: wanB, gateway: wanA, reflexive: wanA}, wanB, SourceOperator},
		{"the gateway alone is believed", evidence{gateway: wanA}, wanA, SourceGateway},
		{"STUN alone is believed", evidence{reflexive: wanB, agreed: 1}, wanB, SourceSTUN},
		{"STUN and the gateway agree", evidence{gateway: wanA, reflexive: wanA, agreed: 5}, wanA, SourceGateway},
		{"STUN contradicts the gateway once", evidence{gateway: wanA, reflexive: wanB, agreed: 1}, wanA, SourceGateway},
		{"STUN contradicts the gateway twice", evidence{gateway: wanA, reflexive: wanB, agreed: 2}, wanB, SourceSTUN},
		{"the gateway tells a private address", evidence{gateway: private, reflexive: wanB, agreed: 1}, wanB, SourceSTUN},
		{"the gateway tells a private address and STUN nothing", evidence{gateway: private}, nobody, SourceNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, source := tt.given.choose(); got != tt.want || source != tt.source {
				t.Errorf("got %v by %q, want %v by %q", got, source, tt.want, tt.source)
			}
		})
	}
}
