package natdiscovery

import (
	"errors"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
)

func TestRouterThatStartsLater(t *testing.T) {
	s := newStory(t)
	s.router.off, s.reflexive = true, nobody
	s.until(time.Minute)
	s.router.off, s.reflexive = false, wanA
	s.until(80 * time.Second)
	s.wants(wanA, Reachable, allPassive)
}

func TestPortsForwardedByHandServeUntilTheRouterOpensThem(t *testing.T) {
	s := newStory(t)
	s.router.off = true
	s.until(5 * time.Second)
	s.watch = func(now Status) {
		if len(now.Outside) == 0 {
			t.Errorf("no outside port after %v", s.now.Sub(s.start))
		}
	}
	s.router.off = false
	s.until(time.Minute)
	s.wants(wanA, Reachable, allPassive)
}

func TestRouterReboot(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	s.router.off, s.reflexive = true, nobody
	s.router.reboot()
	s.until(11 * time.Minute)
	s.wants(wanA, NoGateway, allPassive)
	s.router.off, s.router.external, s.reflexive = false, wanB, wanB
	s.until(11*time.Minute + 10*time.Second)
	s.wants(wanB, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestRouterThatMovesItsPortIsFoundAtOnce(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	s.router.reboot()
	s.until(10*time.Minute + 20*time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestRouterThatStaysAway(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	s.router.off = true
	s.until(15 * time.Minute)
	s.wants(wanA, NoGateway, allPassive)
	s.advises("see whether the router 192.168.77.1 still runs")
	s.until(2 * time.Hour) // the leases have ended
	s.wants(wanA, ForwardedByHand, allPassive)
	s.reflexive = wanB
	s.until(2*time.Hour + 35*time.Second)
	s.wants(wanB, ForwardedByHand, allPassive)
}

func TestSenselessRouterIsNotChased(t *testing.T) {
	for name, err := range map[string]error{"nonsense": gateway.ErrProtocol, "other": errors.New("odd")} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.router.deny = func(string, uint16) error { return err }
			s.until(time.Hour)
			s.wants(wanA, GatewayRefuses, allPassive)
			if s.searches > 100 || len(s.router.asked) > 12*60+200 {
				t.Errorf("in an hour: %d searches, %d requests", s.searches, len(s.router.asked))
			}
		})
	}
	t.Run("found and gone again", func(t *testing.T) {
		s := newStory(t)
		s.router.deny = func(string, uint16) error { return gateway.ErrGone }
		s.until(time.Hour)
		if s.searches > 100 {
			t.Errorf("in an hour: %d searches", s.searches)
		}
		if got := s.status().External; got != wanA {
			t.Errorf("external: got %v, want %v", got, wanA)
		}
	})
}

func TestSearchPause(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name  string
		given gatewayState
		want  time.Duration
	}{
		{"the first search in vain", gatewayState{searches: 1, ever: true}, 2 * time.Second},
		{"the third", gatewayState{searches: 3, ever: true}, 8 * time.Second},
		{"the sixth", gatewayState{searches: 6, ever: true}, time.Minute},
		{"the hundredth", gatewayState{searches: 100, ever: true}, time.Minute},
		{"it may be back any moment", gatewayState{searches: 9, ever: true, returns: now.Add(time.Minute)}, time.Second},
		{"it is not back yet", gatewayState{searches: 70, ever: true, returns: now}, time.Minute},
		{"none was ever found", gatewayState{searches: 6}, 15 * time.Second},
		{"none was ever found, for long", gatewayState{searches: 25}, time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCore(testConfig(), journal{})
			c.gw = tt.given
			if got := c.searchPause(now); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
