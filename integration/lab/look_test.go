//go:build linux

package lab

import (
	"maps"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// byHand are the words of $LAB, each a way in which a lab differs from the plain one.
var byHand = map[string]func(*Options){
	"plain":     func(*Options) {},
	"upnp1":     func(o *Options) { o.UPnP = IGD1 },
	"upnp2":     func(o *Options) { o.UPnP = IGD2 },
	"pmp":       func(o *Options) { o.PMP = true },
	"refuses":   func(o *Options) { o.Refuses = true },
	"forwarded": func(o *Options) { o.Forwarded = []string{"2121", "50000-50009"} },
	"hairpin":   func(o *Options) { o.Hairpin = []string{"2121", "50000-50009"} },
	"alg":       func(o *Options) { o.ALG = true },
	"pppoe":     func(o *Options) { o.PPPoE = true },
	"ipv6":      func(o *Options) { o.IPv6 = true },
	"double":    func(o *Options) { o.Carrier = netip.MustParsePrefix("192.168.178.0/24") },
	"carrier":   func(o *Options) { o.Carrier = netip.MustParsePrefix("100.64.0.0/24") },
}

// TestLookAround builds a lab for somebody who wants to look around in it, and keeps it
// until it is interrupted. docs/developing.md shows how.
func TestLookAround(t *testing.T) {
	words := strings.Fields(os.Getenv("LAB"))
	if len(words) == 0 {
		t.Skip("no lab is asked for: $LAB is empty")
	}
	var o Options
	for _, word := range words {
		set, ok := byHand[word]
		if !ok {
			t.Fatalf("LAB: %q is none of %s", word, strings.Join(slices.Sorted(maps.Keys(byHand)), ", "))
		}
		set(&o)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(end)
	l := New(t, o)
	for _, name := range l.hosts {
		t.Logf("ip netns exec %s%s bash", l.prefix, name)
	}
	for _, server := range l.STUN {
		t.Logf("STUN server %v", server)
	}
	t.Log("interrupt to end it")
	<-end
}
