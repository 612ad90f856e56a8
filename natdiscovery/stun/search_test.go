package stun

import (
	"slices"
	"testing"
)

// path is a path whose packets all get lost above an MTU, and some below.
type path struct {
	mtu int
	// lose are the numbers of further probes that get lost, from 1.
	lose []int
	// lose everything from this probe on; 0: never.
	dead int
	// refuse what is larger, as the interface does; 0: it takes all.
	iface int
	asked []int
}

func (p *path) try(size int) outcome {
	p.asked = append(p.asked, size)
	n := len(p.asked)
	switch {
	case p.iface > 0 && size > p.iface:
		return refused
	case size > p.mtu, slices.Contains(p.lose, n), p.dead > 0 && n >= p.dead:
		return silent
	}
	return answered
}

// measure lets a search of an interface with this MTU run on p.
func (p *path) measure(interfaceMTU int) (mtu int, known bool) {
	s := newSearch(interfaceMTU, maxProbes)
	for i := s.next(); i >= 0; i = s.next() {
		s.tell(i, p.try(s.sizes[i]))
	}
	return s.mtu()
}

func TestSearch(t *testing.T) {
	tests := []struct {
		name         string
		path         path
		interfaceMTU int
		want         int // 0: unknown
		asked        []int
	}{
		{"as wide as Ethernet", path{mtu: 1500}, 1500, 1500, []int{576, 1500}},
		{"PPPoE", path{mtu: 1492}, 1500, 1492, []int{576, 1500, 1452, 1472, 1480, 1492, 1500, 1492}},
		{"WireGuard", path{mtu: 1420}, 1500, 1420, []int{576, 1500, 1452, 1400, 1420, 1440, 1420, 1440, 1420}},
		{"an MTU between two steps", path{mtu: 1491}, 1500, 1480, nil},
		{"the least of IPv6", path{mtu: 1280}, 1500, 1280, nil},
		{"the least there can be", path{mtu: 576}, 1500, 576, nil},
		{"narrower than anything", path{mtu: 575}, 1500, 0, []int{576, 576}},
		{"jumbo frames at home", path{mtu: 9000}, 9000, 1500, []int{576, 1500}},
		{"an interface of which nothing is known", path{mtu: 1492}, 0, 1492, nil},
		{"an interface with an MTU of its own", path{mtu: 1350}, 1350, 1348, []int{576, 1348}},
		{"an interface one byte above a step", path{mtu: 1493}, 1493, 1492, []int{576, 1492}},
		{"an interface that is too narrow", path{mtu: 1500, iface: 300}, 300, 0, []int{576, 576}},
		{"an interface narrower than said", path{mtu: 1500, iface: 1400}, 1500, 1400, []int{576, 1500, 1452, 1400, 1420}},
		{"the first probe is lost", path{mtu: 1500, lose: []int{1}}, 1500, 1500, []int{576, 576, 1500}},
		{"the widest is lost once", path{mtu: 1500, lose: []int{2}}, 1500, 1500, []int{576, 1500, 1452, 1472, 1480, 1492, 1500}},
		{"one in the middle is lost", path{mtu: 1492, lose: []int{3}}, 1500, 1492, nil},
		{"the control is lost", path{mtu: 1492, lose: []int{8}}, 1500, 1492, []int{576, 1500, 1452, 1472, 1480, 1492, 1500, 1492, 1492}},
		{"a server that does not know padding", path{mtu: 100}, 1500, 0, []int{576, 576}},
		{"a server that falls silent", path{mtu: 1500, dead: 2}, 1500, 0, nil},
		{"a server that falls silent before the last word", path{mtu: 1492, dead: 8}, 1500, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, known := tt.path.measure(tt.interfaceMTU)
			if got != tt.want || known != (tt.want != 0) {
				t.Errorf("got %d, %v, want %d", got, known, tt.want)
			}
			if tt.asked != nil && !slices.Equal(tt.path.asked, tt.asked) {
				t.Errorf("tried %v, want %v", tt.path.asked, tt.asked)
			}
		})
	}
}

// On every path, with any one packet lost, the search finds the largest step.
func TestSearchStandsTheLossOfAnyPacket(t *testing.T) {
	for _, mtu := range steps {
		for lost := range maxProbes + 1 {
			p := path{mtu: mtu, lose: []int{lost}}
			if got, known := p.measure(1500); got != mtu || !known {
				t.Errorf("path of %d, packet %d lost: got %d, %v, tried %v", mtu, lost, got, known, p.asked)
			}
		}
	}
}

// Whatever happens to the probes, the search ends, and what it finds was answered
// while the next larger size was not, twice.
func FuzzSearch(f *testing.F) {
	f.Add(1500, []byte{0, 0})
	f.Add(1500, []byte{0, 1, 0, 0, 0, 0, 1, 0})
	f.Add(1350, []byte{0, 2, 1, 0, 1, 1, 0, 1})
	f.Fuzz(func(t *testing.T, interfaceMTU int, outcomes []byte) {
		s := newSearch(interfaceMTU, maxProbes)
		passed, failed := map[int]bool{}, map[int]int{}
		n := 0
		for i := s.next(); i >= 0; i = s.next() {
			o := silent
			if n < len(outcomes) {
				o = outcome(outcomes[n] % 3)
			}
			switch o {
			case answered:
				passed[i] = true
			case silent:
				failed[i]++
			case refused:
				failed[i] += conviction
			}
			s.tell(i, o)
			if n++; n > maxProbes {
				t.Fatalf("more than %d probes", maxProbes)
			}
		}
		mtu, known := s.mtu()
		if !known {
			return
		}
		at := slices.Index(s.sizes, mtu)
		if !passed[at] || at+1 < len(s.sizes) && failed[at+1] < conviction {
			t.Errorf("got %d: answered %v, unanswered %v of %v", mtu, passed, failed, s.sizes)
		}
	})
}
