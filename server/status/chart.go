package status

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The chart's size in its own units; the page stretches it.
const chartWidth, chartHeight = 600, 120

// chart is the throughput as lines to be drawn.
type chart struct {
	// Sent and Received are paths of SVG; Top is what the upper edge stands for.
	Sent, Received string
	Top            int64
	// Text says the same to who can't see it.
	Text          string
	Width, Height int
}

func newChart(t Throughput) chart {
	peakSent, peakReceived := slices.Max(t.Sent), slices.Max(t.Received)
	c := chart{Top: round(max(peakSent, peakReceived, 1000)), Width: chartWidth, Height: chartHeight}
	c.Sent, c.Received = area(t.Sent, c.Top), area(t.Received, c.Top)
	last := len(t.Sent) - 1
	c.Text = fmt.Sprintf("Sent %s/s now, %s/s at the most; received %s/s now, %s/s at the most.",
		Bytes(t.Sent[last]), Bytes(peakSent), Bytes(t.Received[last]), Bytes(peakReceived))
	return c
}

// area is the path around what is below the line.
func area(values []int64, top int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %d", chartHeight)
	step := float64(chartWidth) / float64(len(values)-1)
	for i, v := range values {
		fmt.Fprintf(&b, "L%.0f %.1f", float64(i)*step, chartHeight*(1-float64(v)/float64(top)))
	}
	fmt.Fprintf(&b, "L%d %dZ", chartWidth, chartHeight)
	return b.String()
}

// round is the next number with one digit, of 1, 2 and 5.
func round(n int64) int64 {
	unit := int64(math.Pow10(int(math.Log10(float64(n)))))
	for _, f := range []int64{1, 2, 5} {
		if f*unit >= n {
			return f * unit
		}
	}
	return 10 * unit
}
