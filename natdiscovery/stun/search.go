package stun

import "slices"

// steps are the path MTUs that are common, and so the packet sizes worth trying:
// plain Ethernet; PPPoE (RFC 2516) and what tunnels leave of either; WireGuard;
// the least of IPv6 (RFC 8200); what every IPv4 host takes (RFC 791). All are
// multiples of four, as paddedRequest needs.
var steps = [...]int{576, 1280, 1400, 1420, 1440, 1452, 1460, 1472, 1480, 1492, 1500}

const (
	// maxProbes bounds the packets that one measurement sends.
	maxProbes = 20
	// conviction is how often a size must stay unanswered to be too large,
	// and the size below it to end the search: one packet can always be lost.
	conviction = 2
)

// outcome is what became of a probe.
type outcome int

const (
	answered outcome = iota
	silent
	// refused: this host itself does not send packets of that size.
	refused
)

// search finds the largest packet that passes, by asking one server again and
// again. It is pure: next says what to try and tell what came of it. It believes
// that a size is too large when it stayed unanswered twice while the next smaller
// one was answered in between and afterwards: so a server that falls silent,
// limits rates or drops what it does not know is not taken for a narrow path.
type search struct {
	// sizes rise; the last is the most that the interface takes.
	sizes []int
	// lost counts for each size the probes without an answer.
	lost []int
	// best is the largest size that passed, as an index; -1: none yet.
	best int
	// doubt: nothing was answered since the last silence.
	doubt bool
	// mute is how often in a row best, or the smallest size, was not answered.
	mute int
	// left is how many probes may still be sent.
	left int
}

// newSearch prepares a search up to the MTU of the interface in at most left
// probes. More than Ethernet's 1500 is not looked for: the internet is not wider.
func newSearch(interfaceMTU, left int) *search {
	least, most := steps[0], steps[len(steps)-1]
	if interfaceMTU <= 0 {
		interfaceMTU = most
	}
	// A search below the least, which such an interface refuses, gives up.
	top := min(max(interfaceMTU, least), most) &^ 3
	below, _ := slices.BinarySearch(steps[:], top)
	sizes := append(slices.Clone(steps[:below]), top)
	return &search{sizes: sizes, lost: make([]int, len(sizes)), best: -1, left: left}
}

// next is the index of the size to try, or -1 when the search is over.
func (s *search) next() int {
	wall := s.wall()
	switch {
	case s.left == 0, s.mute == conviction, s.over():
		return -1
	case s.best < 0:
		return 0
	case wall == len(s.sizes):
		return wall - 1 // most uplinks are as wide as the interface
	case wall-s.best > 1:
		return (wall + s.best) / 2
	case s.doubt:
		return s.best
	}
	return wall
}

// tell takes in what came of trying a size.
func (s *search) tell(i int, o outcome) {
	s.left--
	switch {
	case o == answered:
		s.best, s.doubt, s.mute = max(s.best, i), false, 0
	case i <= max(s.best, 0):
		s.mute++
	case o == refused:
		s.lost[i] = conviction
	default:
		s.lost[i]++
		s.doubt = true
	}
}

// wall is the smallest size above best that was not answered; len(s.sizes): none.
func (s *search) wall() int {
	for i := s.best + 1; i < len(s.lost); i++ {
		if s.lost[i] > 0 {
			return i
		}
	}
	return len(s.sizes)
}

// over says that the search has found what it looked for.
func (s *search) over() bool {
	above := s.best + 1
	return s.best >= 0 && !s.doubt && (above == len(s.sizes) || s.lost[above] >= conviction)
}

// mtu is what the search has found. known is false if it gave up.
func (s *search) mtu() (mtu int, known bool) {
	if !s.over() {
		return 0, false
	}
	return s.sizes[s.best], true
}
