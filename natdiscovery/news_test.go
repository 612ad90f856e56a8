package natdiscovery

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"natftpd/natdiscovery/gateway"
)

func (s *story) hears(r gateway.Reason) { s.tell(gatewayNews{r}) }

func TestAnnouncedAddressChangeIsNoticedAtOnce(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	for i, addr := range []netip.Addr{wanB, wanC, wanA} {
		s.until(time.Minute + time.Duration(i+1)*12*time.Second)
		s.router.external, s.reflexive = addr, addr
		clear(s.router.table) // PPP reconnect
		s.hears(gateway.AddressChanged)
		s.after(time.Second)
		s.wants(addr, Reachable, allPassive)
		s.after(4 * time.Second)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Errorf("after change %d the router lists %q", i, got)
		}
	}
}

func TestReconnectWithTheSameAddressMayLoseMappings(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	clear(s.router.table)
	s.hears(gateway.AddressChanged)
	s.after(5 * time.Second)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestAnnouncedLossOfAMappingIsMendedAtOnce(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	delete(s.router.table, 50007)
	s.hears(gateway.MappingsChanged)
	s.after(5 * time.Second)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestAnnouncedRestartIsFollowedAtOnce(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	s.watch = func(now Status) {
		if now.Gateway == nil || len(now.Outside) == 0 {
			t.Errorf("at %v the gateway or its ports are lost", s.now.Sub(s.start))
		}
	}
	s.router.reboot()
	s.hears(gateway.Restarted)
	s.after(5 * time.Second)
	s.wants(wanA, Reachable, allPassive)
	if got := s.router.lists(lanA); got != "2121, 50000-50009" {
		t.Errorf("the router lists %q", got)
	}
}

func TestGoodbyeAndReturn(t *testing.T) {
	for name, announced := range map[string]bool{"announced": true, "unannounced": false} {
		for away, d := range map[string]time.Duration{"a while": 100 * time.Second, "almost for good": time.Hour} {
			t.Run("after "+away+", "+name, func(t *testing.T) {
				if !announced && d > returnTime {
					return // the search is no longer eager
				}
				s := newStory(t)
				s.until(10 * time.Minute)
				s.router.off = true
				s.router.reboot()
				s.hears(gateway.Gone)
				s.after(d)
				s.router.off = false
				if announced {
					s.hears(gateway.Restarted)
				}
				s.after(10 * time.Second)
				s.wants(wanA, Reachable, allPassive)
				if got := s.router.lists(lanA); got != "2121, 50000-50009" {
					t.Errorf("the router lists %q", got)
				}
			})
		}
	}
}

func TestFloodOfNewsCostsLittle(t *testing.T) {
	for _, reason := range []gateway.Reason{gateway.AddressChanged, gateway.MappingsChanged, gateway.Restarted, gateway.Gone} {
		for name, off := range map[string]bool{"": false, ", of a gateway that is away": true} {
			t.Run(string(reason)+name, func(t *testing.T) {
				s := newStory(t)
				s.until(5 * time.Minute)
				s.router.off = off
				s.after(10 * time.Minute) // what it costs without
				began, searches := s.now, s.searches
				for range 10 * 60 {
					s.hears(reason)
					s.after(time.Second)
				}
				searches = s.searches - searches
				requests := 0
				for _, q := range s.router.asked {
					if !q.at.Before(began) {
						requests += q.cost
					}
				}
				// In 10 minutes: news, and after a restart every port.
				if news := newsBurst + 60; searches > news+10 || requests > 10*12+news*(1+11*3) {
					t.Errorf("%d searches and %d requests", searches, requests)
				}
				if reason != gateway.Restarted && reason != gateway.Gone && requests > 10*12+newsBurst+60+10*11 {
					t.Errorf("%d requests", requests)
				}
			})
		}
	}
}

// miniupnpd tells of each mapping that any host adds or removes.
func TestNewsThatKeepsComingDoesNotPutOffTheCheck(t *testing.T) {
	s := newStory(t)
	s.until(10 * time.Minute)
	chatter := func(d time.Duration) {
		for end := s.now.Add(d); s.now.Before(end); s.after(10 * time.Second) {
			s.hears(gateway.MappingsChanged)
		}
	}
	chatter(5 * time.Minute)
	for _, port := range []uint16{50001, 50004, 50007} {
		s.after(7 * time.Second)
		delete(s.router.table, port)
		chatter(suspicionPause + 10*time.Second)
		if got := s.router.lists(lanA); got != "2121, 50000-50009" {
			t.Errorf("a minute after port %d was lost the router lists %q", port, got)
		}
	}
}

func TestOwnChangesAreNoNews(t *testing.T) {
	s := newStory(t)
	s.until(time.Minute)
	s.after(29*time.Minute + time.Second) // renewals are under way
	checks := s.router.count("check", s.start)
	for range 60 {
		before := s.router.count("map", s.start)
		s.after(time.Second)
		if s.router.count("map", s.start) > before {
			s.hears(gateway.MappingsChanged)
		}
	}
	if got := s.router.count("check", s.start) - checks; got > 5 {
		t.Errorf("checks in the minute: got %d, want no more than without news", got)
	}
}

// watched is a client that hears announcements.
type watched struct {
	gateway.Client
	watch func(ctx context.Context, tell func(gateway.Reason)) error
}

func (w watched) Watch(ctx context.Context, tell func(gateway.Reason)) error {
	return w.watch(ctx, tell)
}

func TestAnnouncementsOfTheGatewayInUseAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := make(chan gateway.Reason)
		var begun, watches atomic.Int32
		h := live(t, func(h *home, c *Config) {
			discover := c.Discover
			c.Discover = func(ctx context.Context, n Network, m gateway.Method) (gateway.Client, error) {
				client, err := discover(ctx, n, m)
				return &watched{client, func(ctx context.Context, tell func(gateway.Reason)) error {
					watches.Add(1)
					defer watches.Add(-1)
					if begun.Add(1) == 1 {
						return errors.New("no socket")
					}
					for {
						select {
						case r := <-said:
							tell(r)
						case <-ctx.Done():
							return nil
						}
					}
				}}, err
			}
		})
		h.after(2 * watchPause)
		h.change(func() { h.router.external, h.reflexive = wanB, wanB })
		said <- gateway.AddressChanged
		if got := h.after(time.Second).External; got != wanB {
			t.Errorf("external: got %v, want %v", got, wanB)
		}
		h.change(func() { h.router.reboot() })
		said <- gateway.Restarted
		h.after(10 * time.Second)
		if n := watches.Load(); n != 1 {
			t.Errorf("watches under way: got %d, want 1", n)
		}
		h.stop()
		if n := watches.Load(); n != 0 {
			t.Errorf("watches under way at the end: got %d", n)
		}
	})
}

func TestAnnouncementsInTheLANAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []place
		said := make(chan gateway.Reason)
		h := live(t, func(_ *home, c *Config) {
			c.Announcements = func(ctx context.Context, iface string, router netip.Addr, tell func(gateway.Reason)) error {
				at = append(at, place{iface, router})
				for {
					select {
					case r := <-said:
						tell(r)
					case <-ctx.Done():
						return nil
					}
				}
			}
		})
		h.after(time.Minute)
		h.change(func() { h.router.external, h.reflexive = wanB, wanB })
		said <- gateway.AddressChanged
		if got := h.after(time.Second).External; got != wanB {
			t.Errorf("external: got %v, want %v", got, wanB)
		}
		h.change(func() { h.place.Interface = "wlan0" })
		h.moved <- struct{}{}
		h.after(10 * time.Second)
		if len(at) != 2 || at[0].Interface != "eth0" || at[1].Interface != "wlan0" || at[0].Router != h.router.device.Address {
			t.Errorf("listened at %v", at)
		}
		h.stop()
	})
}
