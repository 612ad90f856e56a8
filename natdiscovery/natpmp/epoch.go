package natpmp

import "time"

// epoch follows the seconds that a gateway has kept its mappings for (section 3.6).
type epoch struct {
	told uint32
	at   time.Time // when it was told; the zero Time: never
	lost time.Time // when the mappings were last noticed to be lost
}

// tolerance is how far an epoch may lie behind what was expected.
const tolerance = 2 * time.Second

// next takes in what the gateway told at now. An epoch that has grown by less than
// 7/8 of the time passed was begun anew: the mappings are lost.
func (e epoch) next(told uint32, now time.Time) epoch {
	expected := time.Duration(e.told)*time.Second + now.Sub(e.at)*7/8
	lost := e.lost
	if !e.at.IsZero() && time.Duration(told)*time.Second < expected-tolerance {
		lost = now
	}
	return epoch{told: told, at: now, lost: lost}
}
