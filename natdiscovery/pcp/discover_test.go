package pcp

import (
	"context"
	"errors"
	"testing"
	"time"

	"natftpd/natdiscovery/gateway"
	"natftpd/natdiscovery/nattest"
)

func TestDiscoverChoosesTheBetterMethod(t *testing.T) {
	t.Parallel()
	results := func(what string, code int) func(*nattest.MapperBehaviour) {
		return func(b *nattest.MapperBehaviour) { b.Results = map[string]int{what: code} }
	}
	for _, c := range []struct {
		name   string
		behave func(*nattest.MapperBehaviour)
		method gateway.Method
		err    error
	}{
		{"both", both, gateway.PCP, nil},
		{"PCP alone", alone, gateway.PCP, nil},
		{"PCP alone, deaf to NAT-PMP", func(b *nattest.MapperBehaviour) { b.NoNATPMP, b.Deaf = true, true }, gateway.PCP, nil},
		{"NAT-PMP alone", func(b *nattest.MapperBehaviour) { b.NoPCP = true }, gateway.NATPMP, nil},
		{"NAT-PMP alone, deaf to PCP", func(b *nattest.MapperBehaviour) { b.NoPCP, b.Deaf = true, true }, gateway.NATPMP, nil},
		{"after the first requests were lost", func(b *nattest.MapperBehaviour) { b.Lose = 2 }, gateway.PCP, nil},
		{"PCP without ANNOUNCE", results("PCP ANNOUNCE", 4), gateway.PCP, nil},
		{"PCP without a network", results("PCP ANNOUNCE", 7), gateway.PCP, nil},
		{"PCP refuses", results("PCP ANNOUNCE", 2), gateway.NATPMP, nil},
		{"NAT-PMP refuses", results("NAT-PMP address", 2), gateway.PCP, nil},
		{"a NAT on the way", results("PCP ANNOUNCE", 12), "", gateway.ErrBehindNAT},
		{"both refuse", func(b *nattest.MapperBehaviour) {
			b.Results = map[string]int{"PCP ANNOUNCE": 2, "NAT-PMP address": 2}
		}, "", gateway.ErrRefused},
		{"nobody answers", func(b *nattest.MapperBehaviour) { b.Silent = true }, "", gateway.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := nattest.StartMapper(t, nattest.Start(t))
			m.Behave(c.behave)
			client, err := Discover(t.Context(), config(m))
			switch {
			case c.err != nil && (!errors.Is(err, c.err) || !errors.Is(err, gateway.ErrNotFound) || client != nil):
				t.Errorf("got %v, error %v, want %v", client, err, c.err)
			case c.err == nil && (err != nil || client.Method() != c.method):
				t.Errorf("got %v, error %v, want one by %s", client, err, c.method)
			}
		})
	}
}

func TestProbeFindsPCPAlone(t *testing.T) {
	t.Parallel()
	for name, behave := range map[string]func(*nattest.MapperBehaviour){
		"refused":    func(b *nattest.MapperBehaviour) { b.NoPCP = true },
		"deaf to it": func(b *nattest.MapperBehaviour) { b.NoPCP, b.Deaf = true, true },
		"silent":     func(b *nattest.MapperBehaviour) { b.Silent = true },
	} {
		m := nattest.StartMapper(t, nattest.Start(t))
		m.Behave(behave)
		c, err := Probe(t.Context(), config(m))
		if !errors.Is(err, gateway.ErrNotFound) || errors.Is(err, context.Canceled) || c != nil {
			t.Errorf("%s: got client %v, error %v, want %v", name, c, err, gateway.ErrNotFound)
		}
	}
}

func TestVersionsAreNegotiatedWithoutDelay(t *testing.T) {
	t.Parallel()
	m := nattest.StartMapper(t, nattest.Start(t))
	m.Behave(func(b *nattest.MapperBehaviour) { b.NoPCP = true })
	cfg := config(m)
	cfg.RTO = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := Discover(ctx, cfg); err != nil {
		t.Errorf("NAT-PMP is not found without waiting: %v", err)
	}
}

func TestACancelledSearchIsNotTheGatewaysFault(t *testing.T) {
	t.Parallel()
	m := nattest.StartMapper(t, nattest.Start(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Discover(ctx, config(m)); !errors.Is(err, context.Canceled) || errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("got error %v, want %v alone", err, context.Canceled)
	}
}

func TestNoGatewayIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Discover(t.Context(), Config{}); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, gateway.ErrNotFound)
	}
}
