package stun

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

func TestJudge(t *testing.T) {
	const truth, lie = "11.22.0.1", "66.66.66.66"
	const local = 4000
	// saw is an answer of operator number n.
	saw := func(n int, reflexive string, port uint16) Answer {
		a := said(fmt.Sprintf("%d.example:1", n), fmt.Sprintf("%d.0.0.1", n), reflexive)
		a.Reflexive = netip.AddrPortFrom(a.Reflexive.Addr(), port)
		return a
	}
	silent := Answer{Server: "s:1", Err: errSilent}
	tests := []struct {
		name      string
		answers   []Answer
		want      Mapping
		preserved bool
	}{
		{"nobody answers", []Answer{silent, silent}, Unknown, false},
		{"one server is no comparison", []Answer{saw(1, truth, local), silent}, Unknown, false},
		{"one port for all, ours", []Answer{saw(1, truth, local), saw(2, truth, local), silent}, EndpointIndependent, true},
		{"one port for all, not ours", []Answer{saw(1, truth, 9), saw(2, truth, 9), saw(3, truth, 9)}, EndpointIndependent, false},
		{"another port for each", []Answer{saw(1, truth, 7), saw(2, truth, 8), saw(3, truth, 9)}, AddressDependent, false},
		{"another port for the second", []Answer{saw(1, truth, local), silent, saw(2, truth, 8)}, AddressDependent, false},
		{"one lies about the port", []Answer{saw(1, truth, local), saw(2, truth, 9), saw(3, truth, local)}, EndpointIndependent, true},
		{"one lies about the address", []Answer{saw(1, lie, 9), saw(2, truth, local), saw(3, truth, local)}, EndpointIndependent, true},
		{"a liar about the address has no say about the port", []Answer{saw(1, truth, 7), saw(2, lie, 7), saw(3, truth, 8)}, AddressDependent, false},
		{"two addresses contradict each other", []Answer{saw(1, truth, local), saw(2, lie, local)}, Unknown, false},
		{"two ports of one operator are no comparison", []Answer{saw(1, truth, 7), saw(1, truth, 8)}, Unknown, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, preserved := judge(tt.answers, local)
			if got != tt.want || preserved != tt.preserved {
				t.Errorf("got %q, preserved %v, want %q, %v", got, preserved, tt.want, tt.preserved)
			}
		})
	}
}

func TestBehaviourSaysWhyItIsUnknown(t *testing.T) {
	server := serve(t, func(_ int, r []byte) [][]byte { return [][]byte{answerTo(r, success, xor(seen))} })
	got, err := Behaviour(t.Context(), Config{Servers: []string{server, server}, Timeout: quick})
	if !errors.Is(err, errContradiction) || got.Mapping != Unknown {
		t.Errorf("one operator: got %q, %v, want %v", got.Mapping, err, errContradiction)
	}
	if len(got.Answers) != 2 || got.Answers[0].Reflexive != seen || got.Answers[1].Reflexive != seen {
		t.Errorf("got answers %+v, want two of %v", got.Answers, seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Behaviour(ctx, Config{Servers: []string{server}}); !errors.Is(err, context.Canceled) {
		t.Errorf("when cancelled: got %v, want %v", err, context.Canceled)
	}
}
