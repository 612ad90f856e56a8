//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// result is a row that was measured.
type result struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Unit string `json:"unit"`
	Less bool   `json:"less_is_better,omitempty"`
	Cost string `json:"cost_of,omitempty"`
	// Bare is what the machine was measured with; "": with nothing.
	Bare   string  `json:"machine,omitempty"`
	Goal   goal    `json:"goal,omitzero"`
	Scores []score `json:"servers"`
}

// score is what one server got in a row.
type score struct {
	Server string `json:"server"`
	// Median is each figure's own median.
	Median sample `json:"median"`
	// Ratio is the median over the rounds of this server's value to natftpd's in
	// the same round: above 1 is better than natftpd. 0: natftpd was not there.
	Ratio  float64  `json:"ratio_to_natftpd,omitempty"`
	Rounds []sample `json:"rounds,omitempty"`
	// Failed says why there are no figures.
	Failed string `json:"failed,omitempty"`
	// Ended says why a peer has figures of some rounds only.
	Ended string `json:"ended,omitempty"`
}

// compare measures rows, those that the options name, on each of the peers that can be
// had, and prints each as soon as it is measured.
func compare(ctx context.Context, p *place, peers []peer, rows []row) (results []result, versions map[string]string, err error) {
	servers, err := startAll(ctx, p, peers)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	if err != nil {
		return nil, nil, err
	}
	// Whoever interrupts does not wait until the clients lose their patience.
	defer context.AfterFunc(ctx, func() {
		for _, s := range servers {
			s.stop()
		}
	})()
	versions = map[string]string{}
	for _, s := range servers {
		versions[s.name] = s.version
	}
	for _, r := range rows {
		if !p.rows.MatchString(r.name) {
			continue
		}
		if r.prepare != nil {
			if err := r.prepare(&p.files); err != nil {
				return nil, nil, fmt.Errorf("files for %s: %w", r.name, err)
			}
		}
		measured := r.measure(ctx, p, servers)
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		measured.print(os.Stdout)
		results = append(results, measured)
	}
	return results, versions, nil
}

// startAll starts the servers that can be had; those that can't are named.
func startAll(ctx context.Context, p *place, peers []peer) ([]*server, error) {
	var servers []*server
	for _, peer := range peers {
		s, err := peer.start(ctx, p, peer.name)
		switch {
		case err == nil:
			servers = append(servers, s)
		case peer.name == self || peer.name == machineName:
			return servers, err
		default:
			fmt.Printf("SKIPPED: %s: %v\n", peer.name, err)
		}
	}
	return servers, nil
}

// measure tries the row once on each server and then measures it on each in turn,
// round by round. Each round begins with another: the first finds the memory that its
// files need taken back by a virtual machine's host.
func (r row) measure(ctx context.Context, p *place, servers []*server) result {
	out := result{Name: r.name, Text: r.text, Unit: r.unit, Less: r.less, Cost: r.cost, Bare: r.bare, Goal: r.goal}
	on := map[string]gauge{}
	for _, s := range servers {
		g := r.gauge
		if s.name == machineName {
			g = r.machine
		}
		if g == nil {
			continue
		}
		one := score{Server: s.name}
		if err := g.try(ctx, p, s); err != nil {
			one.Failed = err.Error()
		}
		on[s.name] = g
		out.Scores = append(out.Scores, one)
	}
	rounds := p.rounds
	if r.once {
		rounds = 1
	}
	for round := range rounds {
		for i := range out.Scores {
			one := &out.Scores[(round+i)%len(out.Scores)]
			if one.Failed != "" || one.Ended != "" || ctx.Err() != nil {
				continue
			}
			at := slices.IndexFunc(servers, func(s *server) bool { return s.name == one.Server })
			got, err := calmest(ctx, p, on[one.Server], servers[at])
			switch {
			case err == nil:
			case len(one.Rounds) > 0 && one.Server != self:
				one.Ended = err.Error() // pure-ftpd runs out of ports after a minute of small files
				continue
			default:
				one.Failed = err.Error()
				continue
			}
			one.Rounds = append(one.Rounds, got)
		}
	}
	out.sum()
	return out
}

// calm is the share of the cores that other programs may take in a measurement.
const calm = 0.05

// calmest measures until nobody disturbs, or else takes the least disturbed try.
func calmest(ctx context.Context, p *place, g gauge, s *server) (best sample, err error) {
	for try := range p.tries {
		got, err := g.measure(ctx, p, s)
		if err != nil {
			return got, err
		}
		if try == 0 || got.Foreign < best.Foreign {
			best = got
		}
		if best.Foreign <= calm {
			break
		}
	}
	return best, nil
}

// sum makes medians and ratios of the rounds.
func (r *result) sum() {
	var own []sample
	for i := range r.Scores {
		s := &r.Scores[i]
		if s.Failed != "" {
			continue
		}
		if s.Server == self {
			own = s.Rounds
		}
		s.Median = sample{
			Value:      medianOf(s.Rounds, func(x sample) float64 { return x.Value }),
			ServerCPU:  medianOf(s.Rounds, func(x sample) float64 { return x.ServerCPU }),
			ClientBusy: medianOf(s.Rounds, func(x sample) float64 { return x.ClientBusy }),
			Foreign:    medianOf(s.Rounds, func(x sample) float64 { return x.Foreign }),
			P50:        medianOf(s.Rounds, func(x sample) float64 { return x.P50 }),
			P99:        medianOf(s.Rounds, func(x sample) float64 { return x.P99 }),
		}
	}
	for i := range r.Scores {
		s := &r.Scores[i]
		if s.Failed != "" || own == nil {
			continue
		}
		var ratios []float64
		for round := range min(len(s.Rounds), len(own)) { // interrupted, they differ
			ratio := s.Rounds[round].Value / own[round].Value
			if r.Less {
				ratio = 1 / ratio
			}
			ratios = append(ratios, ratio)
		}
		s.Ratio = median(ratios)
	}
}

func medianOf(all []sample, figure func(sample) float64) float64 {
	var values []float64
	for _, one := range all {
		values = append(values, figure(one))
	}
	return median(values)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
