//go:build linux

package main

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
)

// The picture: a line for each row, a mark for each server where its ratio to
// natftpd is, and a tick that no peer is to be right of. The scale is logarithmic, and
// natftpd is the upright line at 1.
const (
	rowHeight  = 22
	labelWidth = 250
	plotWidth  = 520
	headHeight = 56
	picture    = labelWidth + plotWidth + 40
	// The scale ends at these ratios; what is beyond stands at the end.
	lowest, highest = 1. / 64, 8.
)

// style has the colours: of the palette that Okabe and Ito made for everybody's
// eyes, on a light and on a dark page.
const style = `<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.grid { stroke: #d0d7de } .own { stroke: #24292f; stroke-width: 2 } .small { font-size: 11px; fill: #57606a }
.c0 { fill: #0072b2 } .c1 { fill: #d55e00 } .c2 { fill: #009e73 } .c3 { fill: #cc79a7 } .machine { fill: none; stroke: #57606a; stroke-width: 1.5 }
.goal { stroke: #b35900; stroke-width: 2 } .missed { fill: #b35900; font-weight: 600 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .grid { stroke: #30363d } .own { stroke: #e6edf3 } .small { fill: #8d96a0 }
.c0 { fill: #56b4e9 } .c1 { fill: #e69f00 } .c2 { fill: #2fc79a } .c3 { fill: #e8a5ca } .machine { stroke: #8d96a0 } .goal { stroke: #f0883e } .missed { fill: #f0883e }
}
</style>
`

// draw draws the ratios of the results that have any.
func draw(w io.Writer, results []result, names []string) {
	results = slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.of(self) == nil })
	names = slices.DeleteFunc(append(slices.Clone(names), machineName), func(name string) bool {
		return name == self || !slices.ContainsFunc(results, func(r result) bool { return r.of(name) != nil })
	})
	height := headHeight + rowHeight*len(results) + 10
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", picture, height, picture, height)
	fmt.Fprintf(w, "<title>FTP servers compared with natftpd</title>\n%s", style)
	fmt.Fprintf(w, `<text class="small" text-anchor="end" x="%d" y="%d">right: better than natftpd</text>`+"\n", labelWidth-24, headHeight-14)
	x := 20
	for i, name := range names {
		mark(w, i, name, float64(x), 14)
		fmt.Fprintf(w, `<text x="%d" y="18">%s</text>`+"\n", x+10, html.EscapeString(name))
		x += 100
	}
	fmt.Fprintf(w, `<line class="goal" x1="%d" x2="%d" y1="7" y2="21"/><text x="%d" y="18">goal; rows of this colour miss one</text>`+"\n", x, x, x+10)
	for at := lowest; at <= highest; at *= 2 {
		class, label := "grid", fmt.Sprintf("%g×", at)
		switch {
		case at == 1:
			class, label = "own", self
		case at < 1:
			label = fmt.Sprintf("1/%g", 1/at)
		}
		fmt.Fprintf(w, `<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="small" text-anchor="middle" x="%.1f" y="%d">%s</text>`+"\n",
			class, along(at), along(at), headHeight-8, height-10, along(at), headHeight-14, label)
	}
	for i, r := range results {
		y := float64(headHeight + rowHeight*i + rowHeight/2)
		label := ""
		if r.missed() != nil {
			label = ` class="missed"`
		}
		fmt.Fprintf(w, `<text%s text-anchor="end" x="%d" y="%.1f">%s</text><line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n",
			label, labelWidth-12, y+4, html.EscapeString(r.Text), labelWidth, labelWidth+plotWidth, y, y)
		if r.Goal.Ahead != 0 {
			at := along(1 / r.Goal.Ahead)
			fmt.Fprintf(w, `<line class="goal" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`+"\n", at, at, y-7, y+7)
		}
		for c, name := range names {
			if s := r.of(name); s != nil {
				mark(w, c, name, along(s.Ratio), y)
			}
		}
	}
	fmt.Fprintln(w, "</svg>")
}

// mark draws a server's mark; the machine, which is no server, has a ring.
func mark(w io.Writer, colour int, name string, x, y float64) {
	class := fmt.Sprintf("c%d", colour)
	if name == machineName {
		class = "machine"
	}
	fmt.Fprintf(w, `<circle class="%s" cx="%.1f" cy="%.1f" r="5"/>`+"\n", class, x, y)
}

// along is where a ratio is on the scale.
func along(ratio float64) float64 {
	ratio = min(max(ratio, lowest), highest)
	return labelWidth + plotWidth*math.Log2(ratio/lowest)/math.Log2(highest/lowest)
}
