//go:build linux

package main

// goal is what natftpd has to reach in a row. A zero asks for nothing.
type goal struct {
	// Ahead is natftpd's ratio to its best peer, at least.
	Ahead float64 `json:"ahead,omitempty"`
	// Cheaper is the ratio of the cheapest peer's CPU time to natftpd's, at least.
	Cheaper float64 `json:"cheaper,omitempty"`
	// Share is natftpd's share of what the machine can do, at least.
	Share float64 `json:"share_of_machine,omitempty"`
	// Most is natftpd's value, at most.
	Most float64 `json:"most,omitempty"`
}

// missed are the parts of the goal, by their heads in the table, that the result is
// behind.
func (r result) missed() []string {
	var all []string
	note := func(head string, reached, wanted float64) {
		if wanted != 0 && reached != 0 && reached < wanted {
			all = append(all, head)
		}
	}
	note("ahead", r.ahead(), r.Goal.Ahead)
	note("cpu", r.cheaper(), r.Goal.Cheaper)
	note("share", r.share(), r.Goal.Share)
	if own := r.of(self); own == nil {
		all = append(all, "no figure")
	} else if r.Goal.Most != 0 {
		note("value", r.Goal.Most/own.Median.Value, 1)
	}
	return all
}

// share is natftpd's share of what the machine can do; 0 where that is not known.
func (r result) share() float64 {
	if m := r.of(machineName); m != nil && m.Ratio != 0 {
		return 1 / m.Ratio
	}
	return 0
}

// best is the peer that natftpd is compared with: "" without one.
func (r result) best() string {
	name, most := "", 0.0
	for _, s := range r.peers() {
		if s.Ratio > most {
			name, most = s.Server, s.Ratio
		}
	}
	return name
}
