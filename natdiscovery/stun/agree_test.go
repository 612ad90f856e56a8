package stun

import (
	"errors"
	"net/netip"
	"testing"
)

// said is an answer of the server with this name and address.
func said(server, addr, reflexive string) Answer {
	return Answer{
		Server:    server,
		Addr:      netip.AddrPortFrom(netip.MustParseAddr(addr), 3478),
		Reflexive: netip.AddrPortFrom(netip.MustParseAddr(reflexive), 4000),
	}
}

func TestAgree(t *testing.T) {
	const truth, lie, other = "11.22.0.1", "66.66.66.66", "77.77.77.77"
	silent := Answer{Server: "s:1", Err: errors.New("no answer")}
	tests := []struct {
		name    string
		answers []Answer
		want    string
	}{
		{"nobody was asked", nil, ""},
		{"nobody answered", []Answer{silent, silent, silent}, ""},
		{"one server alone is not believed", []Answer{said("a:1", "1.0.0.1", truth), silent}, ""},
		{"two say the same", []Answer{said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", truth), silent}, truth},
		{"two contradict each other", []Answer{said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", lie), silent}, ""},
		{"three say the same", []Answer{said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", truth), said("c:1", "3.0.0.1", truth)}, truth},
		{"one liar changes nothing", []Answer{said("c:1", "3.0.0.1", lie), said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", truth)}, truth},
		{"three different answers", []Answer{said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", lie), said("c:1", "3.0.0.1", other)}, ""},
		{"two against two", []Answer{
			said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", truth),
			said("c:1", "3.0.0.1", lie), said("d:1", "4.0.0.1", lie),
		}, ""},
		{"two are not a majority of four", []Answer{
			said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", truth),
			said("c:1", "3.0.0.1", lie), said("d:1", "4.0.0.1", other),
		}, ""},
		{"three against two", []Answer{
			said("a:1", "1.0.0.1", lie), said("b:1", "2.0.0.1", truth), said("c:1", "3.0.0.1", truth),
			said("d:1", "4.0.0.1", lie), said("e:1", "5.0.0.1", truth),
		}, truth},
		{"two ports of one host are one operator", []Answer{said("a:1", "1.0.0.1", truth), said("a:2", "1.0.0.2", truth)}, ""},
		{"a name is the same in any case and with its dot", []Answer{said("a.example:1", "1.0.0.1", truth), said("A.Example.:1", "1.0.0.2", truth)}, ""},
		{"two names of one address are one operator", []Answer{said("a:1", "1.0.0.1", truth), said("b:1", "1.0.0.1", truth)}, ""},
		{"a liar with two ports does not outvote", []Answer{
			said("l:1", "6.0.0.6", lie), said("l:2", "6.0.0.6", lie), said("a:1", "1.0.0.1", truth), said("b:1", "2.0.0.1", truth),
		}, truth},
		{"an operator that contradicts itself speaks once", []Answer{
			said("a:1", "1.0.0.1", truth), said("a:2", "1.0.0.1", lie), said("b:1", "2.0.0.1", truth),
		}, truth},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Agree(tt.answers)
			want, _ := netip.ParseAddr(tt.want)
			if got != want || ok != want.IsValid() {
				t.Errorf("got %v, %v, want %v, %v", got, ok, want, want.IsValid())
			}
		})
	}
}
