//go:build linux

package main

import (
	"fmt"
	"strings"

	"natftpd/integration/report"
)

// comparisonText tells a comparison on the page: medians, and what they are of the
// goals. No row is left out.
func comparisonText(results []result, names []string) string {
	head := append([]string{"load", "unit"}, names...)
	head = append(head, "ahead of the best", "CPU", "of the machine")
	var rows [][]string
	behind := 0
	for _, r := range results {
		row := []string{r.Text, r.Unit}
		for _, name := range names {
			row = append(row, medianText(r.of(name)))
		}
		missed := r.missed()
		if r.gauged() && missed != nil {
			behind++
			row[0] += " **(missed)**"
		}
		own := ""
		if m := r.of(machineName); m != nil {
			own = figure(m.Median.Value)
			if r.share() != 0 {
				own = bounded(percent(r.share()), r.Goal.Share) + " of " + own
			}
		}
		if r.Goal.Most != 0 {
			row[2] = fmt.Sprintf("%s (≤%.0f)", row[2], r.Goal.Most)
		}
		rows = append(rows, append(row, bounded(ratio(r.ahead()), r.Goal.Ahead), bounded(ratio(r.cheaper()), r.Goal.Cheaper), strings.TrimSpace(own+" "+r.Bare)))
	}
	return fmt.Sprintf("%s\n%d of %d rows miss a goal. %s%s\n", report.Table(head, rows), behind, len(results), disturbanceText(results), failuresText(results))
}

// failuresText says who has no figure, and why.
func failuresText(results []result) string {
	text := ""
	for _, r := range results {
		for _, s := range r.Scores {
			if s.Ended != "" {
				text += fmt.Sprintf(" %s ended after %s of %s: %s.", s.Server, roundsText(len(s.Rounds)), r.Text, strings.TrimSuffix(s.Ended, "."))
			}
			if s.Failed != "" {
				text += fmt.Sprintf(" No figure of %s for %s: %s.", s.Server, r.Text, strings.TrimSuffix(s.Failed, "."))
			}
		}
	}
	return text
}

func medianText(s *score) string {
	if s == nil {
		return "-"
	}
	return figure(s.Median.Value)
}

// bounded writes a figure with the least that it is to be.
func bounded(text string, bound float64) string {
	if bound == 0 || text == "-" {
		return text
	}
	return text + " (" + least(bound) + ")"
}

// costText tells what each server's CPU and its slow operations are: what the first
// table has no room for.
func costText(results []result, names []string) string {
	var rows [][]string
	for _, r := range results {
		row := []string{r.Text}
		if r.Cost != "" {
			row[0] += ", per " + r.Cost
		}
		any := false
		for _, name := range names {
			s := r.of(name)
			if s == nil || s.Median.ServerCPU == 0 {
				row = append(row, "-")
				continue
			}
			any = true
			text := cost(s.Median.ServerCPU)
			if s.Median.P50 != 0 {
				text += fmt.Sprintf("; %s, %s ms", figure(s.Median.P50), figure(s.Median.P99))
			}
			row = append(row, text)
		}
		if any {
			rows = append(rows, row)
		}
	}
	return report.Table(append([]string{"CPU time; p50, p99 of the operation"}, names...), rows)
}
