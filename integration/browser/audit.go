//go:build linux

package browser

import (
	"encoding/json"
	"os"
	"path/filepath"

	"natftpd/integration/lab"
)

// Finding is something that keeps some people from using a page.
type Finding struct {
	// Rule is axe-core's name for it, Impact how bad it is: minor, moderate, serious
	// or critical.
	Rule, Impact, Help string
	// Where are the elements, as HTML.
	Where []string
}

// Audit has axe-core look at the page as it is. The script is run as if typed into
// the console: the page's policy allows it no tag of its own.
func (p *Page) Audit() []Finding {
	p.t.Helper()
	if p.Eval(`typeof axe`) != "object" {
		script, err := os.ReadFile(filepath.Join(lab.NodeModules(p.t, "axe-core"), "axe-core", "axe.min.js"))
		if err != nil {
			p.t.Fatal(err)
		}
		p.Eval(string(script) + "\n;null")
	}
	text, _ := p.Eval(`axe.run({ resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations.map((v) => ({
		Rule: v.id, Impact: v.impact, Help: v.help, Where: v.nodes.map((n) => n.html),
	}))))`).(string)
	var all []Finding
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		p.t.Fatalf("axe-core: %v", err)
	}
	return all
}
