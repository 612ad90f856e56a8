//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"natftpd/integration/report"
)

// published is what a mode leaves behind: figures, and how the page tells them.
type published struct {
	// name is the section of the page and of the files beside it.
	name string
	// figures become JSON.
	figures any
	// text is Markdown. The picture is left out of it, and alt says what it shows; nil:
	// there is none.
	text    string
	picture []byte
	alt     string
}

// document is a mode's file of JSON.
type document struct {
	report.Origin
	// Versions are those of the servers.
	Versions map[string]string `json:"versions,omitempty"`
	Figures  any               `json:"figures"`
}

// publish writes what the options ask for.
func publish(p *place, versions map[string]string, all published) error {
	here := report.Here("go run ./integration/bench" + quoted(os.Args[1:]))
	text, err := json.MarshalIndent(document{here, versions, all.figures}, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if p.json != "" {
		if err := os.WriteFile(p.json, text, 0o644); err != nil {
			return err
		}
	}
	if p.publish == "" {
		return nil
	}
	if err := os.MkdirAll(p.publish, 0o755); err != nil {
		return err
	}
	if all.figures != nil {
		if err := os.WriteFile(filepath.Join(p.publish, all.name+".json"), text, 0o644); err != nil {
			return err
		}
	}
	origin := here.String()
	if len(versions) > 0 {
		origin += " " + versionText(versions)
	}
	section := strings.TrimSpace(all.text) + "\n\n" + origin + "\n"
	if all.picture != nil {
		if err := os.WriteFile(filepath.Join(p.publish, all.name+".svg"), all.picture, 0o644); err != nil {
			return err
		}
		section = fmt.Sprintf("![%s](%s/%s.svg)\n\n%s", all.alt, filepath.Base(p.publish), all.name, section)
	}
	return report.Replace(p.publish+".md", all.name, section)
}

// plain is what a shell takes as it is.
var plain = regexp.MustCompile(`^[\w./,=:-]+$`)

// quoted are arguments as one types them, each behind a space.
func quoted(args []string) (all string) {
	for _, one := range args {
		if !plain.MatchString(one) {
			one = "'" + strings.ReplaceAll(one, "'", `'\''`) + "'"
		}
		all += " " + one
	}
	return all
}

// versionText says which servers were there.
func versionText(versions map[string]string) string {
	var all []string
	for name, version := range versions {
		if version != "" && name != self {
			all = append(all, name+" "+version)
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		return ""
	}
	return "The others: " + strings.Join(all, ", ") + "."
}
