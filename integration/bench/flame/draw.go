package flame

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	width, rowHeight = 1000, 17
	headHeight       = 58
	// narrowest is the least width at which a call is drawn, perLetter the width of a
	// letter.
	narrowest, perLetter = 1.0, 6.2
)

// A kind of code has a colour.
var kinds = []struct{ class, text string }{
	{"own", "natftpd"}, {"kernel", "system calls"}, {"std", "Go's library"}, {"go", "Go's runtime"}, {"other", "other modules"},
}

const style = `<style>
text { font: 11px ui-monospace, monospace; fill: #1f2328 } .title { font: 14px system-ui, sans-serif } .small { font: 11px system-ui, sans-serif }
rect { stroke: #ffffff; stroke-width: .5 }
.own { fill: #7cc4f5 } .kernel { fill: #f2a97e } .std { fill: #9ad9b5 } .go { fill: #d9dee4 } .other { fill: #e3b5d6 }
@media (prefers-color-scheme: dark) {
.title, .small { fill: #e6edf3 } rect { stroke: #0d1117 } .frame text { fill: #0d1117 }
.own { fill: #4ea3dc } .kernel { fill: #d98a5b } .std { fill: #69b78c } .go { fill: #8b949e } .other { fill: #c78fb7 }
}
</style>
`

// call is a box: what a function took, called by its caller.
type call struct {
	name  string
	took  time.Duration
	calls []*call
}

// Draw draws stacks, the outermost calls at the bottom.
func Draw(w io.Writer, title string, stacks []Stack) error {
	root := grow(stacks)
	if root.took == 0 {
		return errors.New("the profile is empty: it needs a longer load")
	}
	scale := width / root.took.Seconds()
	height := headHeight + rowHeight*root.depth(scale) + 8
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n%s", html.EscapeString(title), style)
	fmt.Fprintf(&b, `<text class="title" x="4" y="18">%s</text>`+"\n", html.EscapeString(title))
	for i, k := range kinds {
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="30" width="12" height="12"/><text class="small" x="%d" y="40">%s</text>`+"\n", k.class, 4+i*120, 20+i*120, k.text)
	}
	root.draw(&b, 0, height-8, scale, root.took)
	b.WriteString("</svg>\n")
	_, err := b.WriteTo(w)
	return err
}

// grow makes a tree of the stacks, calls in the order of their names.
func grow(stacks []Stack) *call {
	root := &call{name: "all"}
	for _, s := range stacks {
		at := root
		at.took += s.Time
		for _, name := range s.Frames {
			i := slices.IndexFunc(at.calls, func(c *call) bool { return c.name == name })
			if i < 0 {
				i = len(at.calls)
				at.calls = append(at.calls, &call{name: name})
			}
			at = at.calls[i]
			at.took += s.Time
		}
	}
	root.sort()
	return root
}

func (c *call) sort() {
	slices.SortFunc(c.calls, func(a, b *call) int { return cmp.Compare(a.name, b.name) })
	for _, one := range c.calls {
		one.sort()
	}
}

// depth is how many boxes stand on each other, those that are drawn.
func (c *call) depth(scale float64) int {
	most := 0
	for _, one := range c.calls {
		if one.took.Seconds()*scale >= narrowest {
			most = max(most, one.depth(scale))
		}
	}
	return most + 1
}

func (c *call) draw(w io.Writer, x float64, bottom int, scale float64, all time.Duration) {
	wide := c.took.Seconds() * scale
	if wide < narrowest {
		return
	}
	name, class := c.name, kind(c.name)
	fmt.Fprintf(w, `<g class="frame"><title>%s: %.1f %%</title><rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"/>`,
		html.EscapeString(name), 100*c.took.Seconds()/all.Seconds(), class, x, bottom-rowHeight, wide, rowHeight)
	if letters := int((wide - 6) / perLetter); letters >= 4 {
		fmt.Fprintf(w, `<text x="%.1f" y="%d">%s</text>`, x+3, bottom-5, html.EscapeString(short(name, letters)))
	}
	fmt.Fprintln(w, "</g>")
	for _, one := range c.calls {
		one.draw(w, x, bottom-rowHeight, scale, all)
		x += one.took.Seconds() * scale
	}
}

// kind is the class of a function's package.
func kind(name string) string {
	switch pkg := packageOf(name); {
	case strings.HasPrefix(pkg, "internal/runtime/syscall"):
		return "kernel"
	case strings.HasPrefix(pkg, "natftpd"):
		return "own"
	case pkg == "all" || strings.HasPrefix(pkg, "runtime") || strings.HasPrefix(pkg, "internal/runtime"):
		return "go"
	case strings.Contains(strings.Split(pkg, "/")[0], "."):
		return "other"
	}
	return "std"
}

// packageOf is the import path in a function's full name.
func packageOf(name string) string {
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return name
	}
	return name[:slash+dot]
}

// short is a name without the folders of its package, and cut where it has no room.
func short(name string, letters int) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	if len(name) > letters {
		return name[:letters-1] + "…"
	}
	return name
}
