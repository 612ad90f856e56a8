//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
)

// print tells a row as soon as it is measured: a line for each server.
func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "\n%-40s %12s %9s %11s %7s %8s %8s\n", r.Text, r.Unit, "natftpd=1", r.costHead(), "client", "p50 ms", "p99 ms")
	for _, s := range r.Scores {
		if s.Failed != "" {
			fmt.Fprintf(w, "  %-38s %.*s\n", s.Server, 57, "FAILED: "+s.Failed)
			continue
		}
		m := s.Median
		fmt.Fprintf(w, "  %-38s %12s %9s %11s %7s %8s %8s\n", s.Server, figure(m.Value), ratio(s.Ratio), cost(m.ServerCPU), percent(m.ClientBusy), figure(m.P50), figure(m.P99))
	}
}

// costHead names what the server's CPU time is told for.
func (r result) costHead() string {
	if r.Cost == "" {
		return ""
	}
	return "cpu/" + r.Cost
}

// summary is the whole comparison at a glance: the value of natftpd, and each
// peer's, with natftpd's ratio to the best of them.
func summary(w io.Writer, results []result, names []string) {
	fmt.Fprintf(w, "\n%-32s %-11s", "medians", "")
	for _, name := range names {
		fmt.Fprintf(w, " %9.9s", name)
	}
	fmt.Fprintf(w, " %6s\n%s\n", "ratio", strings.Repeat("-", 32+1+11+10*len(names)+7))
	for _, r := range results {
		fmt.Fprintf(w, "%-32.32s %-11s", r.Text, r.Unit)
		for _, name := range names {
			text := "-"
			if s := r.of(name); s != nil {
				text = figure(s.Median.Value)
			}
			fmt.Fprintf(w, " %9s", text)
		}
		fmt.Fprintf(w, " %6s\n", ratio(r.lead()))
	}
	fmt.Fprintln(w, "\nratio: natftpd to its best peer, the median of the rounds; above 1 natftpd is ahead. machine is no peer.")
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

// lead is natftpd's ratio to the best peer; 0 without one.
func (r result) lead() float64 {
	best := 0.0
	for _, s := range r.Scores {
		if s.Server != self && s.Server != machineName {
			best = max(best, s.Ratio)
		}
	}
	if best == 0 {
		return 0
	}
	return 1 / best
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
