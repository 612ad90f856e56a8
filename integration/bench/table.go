//go:build linux

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// print tells a row as soon as it is measured: a line for each server.
func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "\n%-36s %12s %9s %11s %7s %8s %8s\n", r.Text, r.Unit, "natftpd=1", r.costHead(), "client", "p50 ms", "p99 ms")
	for _, s := range r.Scores {
		if s.Failed != "" {
			fmt.Fprintf(w, "  %-20s no figure: %s\n", s.Server, s.Failed)
			continue
		}
		m := s.Median
		fmt.Fprintf(w, "  %-34s %12s %9s %11s %7s %8s %8s\n", s.Server, figure(m.Value), ratio(s.Ratio), cost(m.ServerCPU), percent(m.ClientBusy), figure(m.P50), figure(m.P99))
	}
}

// costHead names what the server's CPU time is told for.
func (r result) costHead() string {
	if r.Cost == "" {
		return ""
	}
	return "cpu/" + r.Cost
}

// summary is the whole comparison at a glance: the medians, and how far natftpd
// is ahead of the best of its peers.
func summary(w io.Writer, results []result, names []string) {
	head := fmt.Sprintf("%-16s %-11s", "medians", "")
	for _, name := range names {
		head += fmt.Sprintf(" %9.9s", name)
	}
	head += fmt.Sprintf(" %5s %5s", "ahead", "cpu")
	fmt.Fprintf(w, "\n%s\n%s\n", head, strings.Repeat("-", len(head)))
	for _, r := range results {
		fmt.Fprintf(w, "%-16s %-11s", r.Name, r.Unit)
		for _, name := range names {
			text := "-"
			if s := r.of(name); s != nil {
				text = figure(s.Median.Value)
			}
			fmt.Fprintf(w, " %9s", text)
		}
		fmt.Fprintf(w, " %5s %5s\n", ratio(r.ahead()), ratio(r.cheaper()))
	}
	if most := disturbance(results); most > calm {
		fmt.Fprintf(w, "\nOther programs took up to %s of the cores meanwhile: rather believe the CPU time.\n", percent(most))
	}
	fmt.Fprintln(w, `
ahead: natftpd's value to its best peer's, the median of the rounds. cpu: the CPU time of the
cheapest peer to natftpd's. Above 1 natftpd is the better one. machine is no peer.`)
}

// disturbance is the largest share of the cores that other programs took.
func disturbance(results []result) (most float64) {
	for _, r := range results {
		for _, s := range r.Scores {
			most = max(most, s.Median.Foreign)
		}
	}
	return most
}

// of is the score of a server that has one.
func (r result) of(name string) *score {
	for i, s := range r.Scores {
		if s.Server == name && s.Failed == "" {
			return &r.Scores[i]
		}
	}
	return nil
}

// ahead is natftpd's ratio to the best peer; 0 without one.
func (r result) ahead() float64 {
	best := 0.0
	for _, s := range r.peers() {
		best = max(best, s.Ratio)
	}
	if best == 0 {
		return 0
	}
	return 1 / best
}

// cheaper is the ratio of the cheapest peer's CPU time to natftpd's; 0 without one.
func (r result) cheaper() float64 {
	own, cheapest := r.of(self), math.Inf(1)
	for _, s := range r.peers() {
		cheapest = min(cheapest, s.Median.ServerCPU)
	}
	if own == nil || own.Median.ServerCPU == 0 || math.IsInf(cheapest, 1) {
		return 0
	}
	return cheapest / own.Median.ServerCPU
}

// peers are the scores of those that natftpd is compared with.
func (r result) peers() []score {
	return slices.DeleteFunc(slices.Clone(r.Scores), func(s score) bool {
		return s.Failed != "" || s.Server == self || s.Server == machineName
	})
}

// figure writes a number with about three digits.
func figure(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func ratio(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

func percent(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}

// cost writes microseconds in a unit that fits.
func cost(us float64) string {
	switch {
	case us == 0:
		return "-"
	case us < 1000:
		return figure(us) + " µs"
	}
	return figure(us/1000) + " ms"
}
