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
		if s.Ended != "" {
			fmt.Fprintf(w, "  %-20s ended after %s: %s\n", s.Server, roundsText(len(s.Rounds)), s.Ended)
		}
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

// summary is the whole comparison at a glance: the medians, and what they are of
// the goals.
func summary(w io.Writer, results []result, names []string) {
	head := fmt.Sprintf("%-16s %-11s", "medians", "")
	for _, name := range names {
		head += fmt.Sprintf(" %9.9s", name)
	}
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
		fmt.Fprintln(w)
	}
	goals(w, results)
	if text := disturbanceText(results); text != "" {
		fmt.Fprintf(w, "\n%s\n", text)
	}
	fmt.Fprintln(w, `
ahead: natftpd's value to its best peer's, the median of the rounds. cpu: the CPU time of the
cheapest peer to natftpd's. share: natftpd's value to what the machine can do. Behind each, what
it is to be at least.`)
}

// goals says how far natftpd is ahead, and where it is not as far as it should be.
func goals(w io.Writer, results []result) {
	head := fmt.Sprintf("%-16s %-10s %5s %5s %6s %5s  %-14s %6s %5s", "natftpd against", "best peer", "ahead", "", "cpu", "", "machine", "share", "")
	fmt.Fprintf(w, "\n%s\n%s\n", head, strings.Repeat("-", len(head)))
	for _, r := range results {
		if r.gauged() {
			fmt.Fprintln(w, r.verdict())
		}
	}
}

// gauged says whether the row is one of natftpd, not there for the others.
func (r result) gauged() bool { return r.of(self) != nil || r.Goal != (goal{}) }

// verdict is a row's line among the goals.
func (r result) verdict() string {
	bare, share, bound := r.Bare, percent(r.share()), least(r.Goal.Share)
	if own := r.of(self); own != nil && r.Goal.Most != 0 {
		bare, share, bound = "limit", figure(own.Median.Value), fmt.Sprintf("≤%.0f", r.Goal.Most)
	}
	text := fmt.Sprintf("%-16s %-10s %5s %5s %6s %5s  %-14s %6s %5s", r.Name, r.best(), ratio(r.ahead()), least(r.Goal.Ahead),
		ratio(r.cheaper()), least(r.Goal.Cheaper), bare, share, bound)
	if r.missed() != nil {
		text += "  MISSED"
	}
	return strings.TrimRight(text, " ")
}

// least writes a lower bound; nothing for none.
func least(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("≥%.2g", v)
}

// disturbanceText says how far other programs disturbed; "": they did not.
func disturbanceText(results []result) string {
	most := disturbance(results)
	if most <= calm {
		return ""
	}
	return fmt.Sprintf("Other programs took up to %s of the cores meanwhile: rather believe the CPU time.", percent(most))
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
	return grouped(int(math.Round(v)))
}

// grouped writes thousands apart.
func grouped(n int) string {
	text := fmt.Sprint(n)
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

func roundsText(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}
