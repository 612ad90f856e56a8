package pcp

import "time"

// epoch follows the seconds that a gateway has kept its mappings for (section 8.5).
type epoch struct {
	told uint32
	at   time.Time // when it was told; the zero Time: never
	lost time.Time // when the mappings were last noticed to be lost
}

// next takes in what the gateway told at now, by the test of section 8.5: an epoch
// that goes back by more than a second, or that grew much slower or faster than our
// clock did, was begun anew, and the mappings are lost.
func (e epoch) next(told uint32, now time.Time) epoch {
	lost := e.lost
	if !e.at.IsZero() && !plausible(int64(told)-int64(e.told), int64(now.Sub(e.at)/time.Second)) {
		lost = now
	}
	return epoch{told: told, at: now, lost: lost}
}

// plausible compares the seconds that passed by the gateway's epoch and by our
// clock. 2 s are for rounding, a sixteenth is for clocks that drift.
func plausible(server, client int64) bool {
	return server >= -1 &&
		client+2 >= server-server/16 &&
		server+2 >= client-client/16
}
