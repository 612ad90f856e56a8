//go:build linux

package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestWhatMissesAGoal(t *testing.T) {
	// natftpd does 100 files a second, vsftpd 50; the machine could do 1000.
	for _, c := range []struct {
		name string
		goal goal
		want []string
	}{
		{"nothing is asked for", goal{}, nil},
		{"twice as fast as the best peer", goal{Ahead: 2, Cheaper: 1}, nil},
		{"not fast enough", goal{Ahead: 2.1}, []string{"ahead"}},
		{"too expensive", goal{Cheaper: 2.1}, []string{"cpu"}},
		{"too far from what the machine can do", goal{Share: 0.2}, []string{"share"}},
		{"above what is allowed", goal{Most: 99}, []string{"value"}},
		{"at most that much", goal{Most: 100}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := compared(false)
			r.Goal = c.goal
			if got := r.missed(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("missed: got %v, want %v", got, c.want)
			}
		})
	}
	t.Run("no figure at all", func(t *testing.T) {
		r := compared(false)
		r.Scores[0].Failed = "it ended"
		r.sum()
		if got := r.missed(); len(got) != 1 {
			t.Errorf("missed: got %v, want that there is no figure", got)
		}
	})
}

func TestNoRowIsLeftOutOfThePage(t *testing.T) {
	behind := compared(false)
	behind.Goal = goal{Ahead: 3}
	ended := result{Name: "login", Text: "logins", Scores: []score{{Server: self, Failed: "it ended"}}, Goal: goal{Ahead: 1}}
	text := comparisonText([]result{behind, ended}, peerNames())
	for _, want := range []string{"| get <4 KiB> **(missed)** |", "2.00 (≥3)", "| logins **(missed)** |", "10 % of 1,000", "2 of 2 rows miss a goal."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
}

func TestHowACostGrows(t *testing.T) {
	for _, c := range []struct {
		name  string
		costs []float64
		want  float64
	}{
		{"it falls to the end", []float64{30, 5, 3}, 1},
		{"it rises again", []float64{30, 3, 4.5}, 1.5},
		{"what was left out does not count", []float64{3, 4.5, 0}, 1.5},
		{"nothing was measured", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g grown
			for _, one := range c.costs {
				g.Steps = append(g.Steps, step{CPU: one})
			}
			if got := g.rise(); got != c.want || !g.kept() {
				t.Errorf("got %v, kept %t, want %v, kept", got, g.kept(), c.want)
			}
		})
	}
	for name, g := range map[string]grown{
		"it rises too far":     {Steps: []step{{CPU: 1}, {CPU: 2.1}}},
		"it breaks on the way": {Steps: []step{{CPU: 1}, {Failed: "it ended"}}},
	} {
		if g.kept() {
			t.Errorf("%s, and that is fine", name)
		}
	}
}
